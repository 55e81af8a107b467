//! Samples of earlier frames, and the mini-batches drawn from them.

use std::collections::VecDeque;

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use crate::backbone::Backbone;
use crate::{BoundingBox, Frame};

/// Boxes of one frame and their features.
#[derive(Debug)]
pub struct Described {
    /// The frame.
    pub frame: Frame,
    /// The boxes, in the order of the features.
    pub boxes: Vec<BoundingBox>,
    /// `(boxes, features)`.
    pub features: Tensor,
    /// The target's ranking scores, `(boxes)`, if known.
    pub ranks: Option<Tensor>,
}

impl Described {
    /// Boxes of a frame and their features; their scores are unknown.
    #[must_use]
    pub fn new(frame: &Frame, boxes: Vec<BoundingBox>, features: Tensor) -> Self {
        Self { frame: frame.clone(), boxes, features, ranks: None }
    }

    /// The same boxes, their features shared.
    #[must_use]
    pub fn share(&self) -> Self {
        Self {
            frame: self.frame.clone(),
            boxes: self.boxes.clone(),
            features: self.features.shallow_clone(),
            ranks: self.ranks.as_ref().map(Tensor::shallow_clone),
        }
    }
}

/// Samples of one frame to learn from. The crops themselves are not kept: they are cut again from
/// the frame when a map is needed, which takes a hundredth of the memory.
#[derive(Debug)]
pub struct FrameSamples {
    /// The frame.
    pub frame: Frame,
    /// The boxes, in the order of the features.
    pub boxes: Vec<BoundingBox>,
    /// `(boxes, features)`; none where every sample of a mini-batch goes through the network for
    /// its maps anyway.
    pub features: Option<Tensor>,
}

impl FrameSamples {
    /// The first `count` of them, or all where there are fewer.
    #[must_use]
    pub fn first(mut self, count: usize) -> Self {
        self.boxes.truncate(count);
        let rows = self.boxes.len() as i64;
        // A copy, so that the memory of the rest is free.
        self.features = self.features.map(|features| features.narrow(0, 0, rows).copy());
        self
    }
}

impl From<Described> for FrameSamples {
    fn from(Described { frame, boxes, features, .. }: Described) -> Self {
        Self { frame, boxes, features: Some(features) }
    }
}

/// The samples of the last frames, oldest first.
#[derive(Debug)]
pub struct Memory {
    frames: VecDeque<FrameSamples>,
    capacity: usize,
}

impl Memory {
    /// A memory of at most `capacity` frames.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { frames: VecDeque::new(), capacity }
    }

    /// Remembers the samples of a frame, and forgets the oldest frame where there is no room. No
    /// samples, no change.
    pub fn push(&mut self, samples: FrameSamples) {
        if samples.boxes.is_empty() {
            return;
        }
        if self.frames.len() == self.capacity {
            self.frames.pop_front();
        }
        self.frames.push_back(samples);
    }

    /// The samples of the last `frames` frames, or `None` if there are none.
    #[must_use]
    pub fn last(&self, frames: usize) -> Option<Pool<'_>> {
        let skip = self.frames.len().saturating_sub(frames);
        Pool::new(&self.frames.iter().skip(skip).collect::<Vec<_>>())
    }
}

/// Samples to train on: those of several frames as one list.
#[derive(Debug)]
pub struct Pool<'a> {
    /// Where all have some.
    features: Option<Tensor>,
    items: Vec<(&'a Frame, BoundingBox)>,
}

impl<'a> Pool<'a> {
    /// The samples of some frames, or `None` if there are none.
    #[must_use]
    pub fn new(frames: &[&'a FrameSamples]) -> Option<Self> {
        let items: Vec<_> = frames.iter().flat_map(|f| f.boxes.iter().map(|b| (&f.frame, *b))).collect();
        if items.is_empty() {
            return None;
        }
        let features: Option<Vec<_>> = frames.iter().map(|f| f.features.as_ref()).collect();
        Some(Self { features: features.map(|parts| Tensor::cat(&parts, 0)), items })
    }

    /// Number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Never: a pool has samples.
    #[must_use]
    #[cfg(feature = "internals")]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Features of the samples at some places, `(places)` on the network's device: `(places,
    /// features)`. They are computed now where they were not kept.
    pub fn features_at(&self, places: &Tensor, backbone: &Backbone) -> Tensor {
        match &self.features {
            Some(features) => features.index_select(0, places),
            None => backbone.describe(&self.items_at(places)),
        }
    }

    /// The same samples, their features in another precision where they were kept.
    #[must_use]
    pub fn rounded(&self, kind: Kind) -> Self {
        Self { features: self.features.as_ref().map(|features| features.to_kind(kind)), items: self.items.clone() }
    }

    /// Frames and boxes of all samples.
    pub(crate) fn items(&self) -> &[(&'a Frame, BoundingBox)] {
        &self.items
    }

    /// Frames and boxes of the samples at some places.
    #[must_use]
    pub fn items_at(&self, places: &Tensor) -> Vec<(&'a Frame, BoundingBox)> {
        let mut numbers = vec![0i64; places.numel()];
        let count = numbers.len();
        places.to_device(Device::Cpu).copy_data(&mut numbers, count);
        numbers.iter().map(|place| self.items[*place as usize]).collect()
    }
}

/// Positions in random order, each once before any comes again.
#[derive(Debug)]
pub struct Deck {
    order: Vec<i64>,
    next: usize,
}

impl Deck {
    /// A shuffled deck of the positions `0..len`.
    #[must_use]
    pub fn new(len: usize, rng: &mut ChaCha8Rng) -> Self {
        let mut order: Vec<i64> = (0..len as i64).collect();
        order.shuffle(rng);
        Self { order, next: 0 }
    }

    /// The next `count` positions, shuffled again whenever all have been dealt. Fewer only where
    /// the deck is empty.
    pub fn deal(&mut self, count: usize, rng: &mut ChaCha8Rng) -> Vec<i64> {
        let mut dealt = Vec::with_capacity(count);
        while dealt.len() < count && !self.order.is_empty() {
            if self.next == self.order.len() {
                self.order.shuffle(rng);
                self.next = 0;
            }
            let take = (count - dealt.len()).min(self.order.len() - self.next);
            dealt.extend_from_slice(&self.order[self.next..self.next + take]);
            self.next += take;
        }
        dealt
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn features_that_were_not_kept_are_computed() {
        let backbone = Backbone::embedded();
        let pixels = (0..80u32 * 60 * 3).map(|i| (i * i / 7 % 251) as u8).collect();
        let frame = Frame::from_rgb8(80, 60, pixels).unwrap();
        let boxes: Vec<_> = (0..5).map(|i| BoundingBox::new(f64::from(i) * 9.0, 10.0, 25.0, 30.0)).collect();
        let features = backbone.describe(&boxes.iter().map(|b| (&frame, *b)).collect::<Vec<_>>());
        let not_kept = FrameSamples { frame: frame.clone(), boxes: boxes.clone(), features: None };
        let kept: FrameSamples = Described::new(&frame, boxes, features).into();
        let places = Tensor::from_slice(&[3i64, 0, 3, 4]);
        let at = |samples: &[&FrameSamples]| Pool::new(samples).unwrap().features_at(&places, &backbone);
        let expected = at(&[&kept]);
        for found in [at(&[&not_kept]), at(&[&not_kept, &kept])] {
            let error = (&expected - found).norm() / expected.norm();
            assert!(error.double_value(&[]) < 1e-5, "{error:?}");
        }
    }

    #[test]
    fn a_deck_deals_every_position_before_any_again() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut deck = Deck::new(10, &mut rng);
        let mut first = deck.deal(10, &mut rng);
        first.sort_unstable();
        assert_eq!(first, (0..10).collect::<Vec<_>>());
        assert_eq!(deck.deal(25, &mut rng).len(), 25);
        assert!(Deck::new(0, &mut rng).deal(3, &mut rng).is_empty());
    }
}
