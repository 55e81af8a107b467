//! Which frames are tracked in, and the boxes that are given in later ones. The flags count frames
//! from 1.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use attrax_tracker::{BoundingBox, Frame};

use super::boxes::parse_box;

/// The flags.
#[derive(clap::Args)]
pub struct Args {
    /// The frame to start in; --box is the target's box there
    #[arg(long, value_name = "FRAME", default_value_t = 1, value_parser = parse_frame)]
    start: usize,
    /// The number of frames to track in, the first one included [default: all]
    #[arg(long = "frames", value_name = "N", value_parser = parse_frame)]
    most: Option<usize>,
    /// Correct the tracker: in this frame the target is in this box, and tracking goes on from
    /// there; may be given several times. FRAME:2=... corrects the second target, or begins it
    /// where there is one --box
    #[arg(long = "box-at", value_name = "FRAME=X,Y,WIDTH,HEIGHT", value_parser = parse_box_at, allow_hyphen_values = true)]
    boxes: Vec<((usize, usize), BoundingBox)>,
    /// At each --box-at forget what was learnt before it; otherwise that stays, and the frame of
    /// the box is added
    #[arg(long, requires = "boxes")]
    forget: bool,
    /// Do not follow the target any more from this frame on; FRAME:2 ends the second target. Its
    /// columns are empty then
    #[arg(long = "end-at", value_name = "FRAME", value_parser = parse_place)]
    ends: Vec<(usize, usize)>,
}

impl Args {
    /// The largest number of frames, where it is limited.
    pub fn most(&self) -> Option<usize> {
        self.most
    }
}

/// The frames, counted from 0.
pub struct Span {
    /// The first one.
    pub first: usize,
    /// The number of frames, where it is limited.
    pub most: Option<usize>,
    /// The number of targets.
    pub targets: usize,
    /// Boxes given after the first frame, by frame and target. The first one of a target without
    /// `--box` begins it.
    pub corrections: BTreeMap<(usize, usize), BoundingBox>,
    /// For each target, the first frame in which it is followed, and the first one in which it is
    /// not any more.
    followed: Vec<(usize, Option<usize>)>,
    /// Whether a correction starts anew.
    pub forget: bool,
}

impl Span {
    /// What the flags say about a source with `count` frames, where that is known, and a number of
    /// targets in the first frame.
    pub fn resolve(args: &Args, count: Option<usize>, boxes: usize) -> anyhow::Result<Self> {
        let first = args.start - 1;
        if let Some(count) = count {
            ensure!(first < count, "--start {}: there are {count} frames", args.start);
        }
        let mut span = Self {
            first,
            most: args.most,
            targets: boxes,
            corrections: BTreeMap::new(),
            followed: vec![(first, None); boxes],
            forget: args.forget,
        };
        let end = span.most.map(|most| first.saturating_add(most)).into_iter().chain(count).min();
        for ((frame, target), region) in &args.boxes {
            let flag = format!("--box-at {frame}");
            ensure!(*frame > args.start, "{flag}: the run starts in frame {}; give its box with --box", args.start);
            ensure!(end.is_none_or(|end| *frame <= end), "{flag}: the run ends with frame {}", end.unwrap_or_default());
            let earlier = span.corrections.insert((frame - 1, target - 1), *region);
            ensure!(earlier.is_none(), "{flag}: the frame has two boxes of one target");
        }
        span.begin_later()?;
        for (frame, target) in &args.ends {
            let flag = format!("--end-at {frame}:{target}");
            let targets = span.targets;
            ensure!(*target <= targets, "{flag}: there are {targets} targets");
            ensure!(end.is_none_or(|end| *frame <= end), "{flag}: the run ends with frame {}", end.unwrap_or_default());
            let (begun, ended) = &mut span.followed[target - 1];
            ensure!(frame - 1 > *begun, "{flag}: the target begins in frame {}", *begun + 1);
            ensure!(ended.replace(frame - 1).is_none(), "{flag}: the target ends twice");
            let later = span.corrections.keys().find(|(at, of)| *of == target - 1 && *at >= frame - 1);
            ensure!(later.is_none(), "{flag}: --box-at {} comes after it", later.map_or(0, |(at, _)| at + 1));
        }
        Ok(span)
    }

    /// Begins the targets that have no box in the first frame where `--box-at` gives their first
    /// one.
    fn begin_later(&mut self) -> anyhow::Result<()> {
        let given = self.corrections.keys().map(|(_, target)| target + 1);
        let most = given.fold(self.targets, usize::max);
        for target in self.targets..most {
            let mut given = self.corrections.keys().filter(|(_, of)| *of == target);
            let Some((begun, _)) = given.next() else {
                bail!(
                    "--box-at: target {} has no box, and there is a target {most}; targets are numbered in order",
                    target + 1
                );
            };
            self.followed.push((*begun, None));
        }
        self.targets = most;
        Ok(())
    }

    /// Whether a target is followed in a frame.
    pub fn is_followed(&self, frame: usize, target: usize) -> bool {
        let (begun, ended) = self.followed[target];
        begun <= frame && ended.is_none_or(|ended| frame < ended)
    }

    /// Whether a target that is followed is given a new box in a frame.
    pub fn is_corrected(&self, frame: usize, target: usize) -> bool {
        self.corrections.contains_key(&(frame, target)) && self.followed[target].0 < frame
    }

    /// The number of frames to track in, of a source with `count` frames.
    pub fn expected(&self, count: usize) -> usize {
        let left = count.saturating_sub(self.first);
        self.most.map_or(left, |most| most.min(left))
    }

    /// Makes sure that all boxes are inside the frames, which have the size of the first one.
    pub fn check(&self, frame: &Frame, first: &[BoundingBox]) -> anyhow::Result<()> {
        let start = first.iter().map(|region| (format!("frame {}", self.first + 1), region));
        let later = self.corrections.iter().map(|((number, _), region)| (format!("--box-at {}", number + 1), region));
        for (place, region) in start.chain(later) {
            frame.initial_region(*region).context(place)?;
        }
        Ok(())
    }

    /// Reports boxes in frames that a source of unknown length did not have.
    pub fn warn_of_unused(&self, end: usize) {
        for number in self.corrections.range((end, 0)..).map(|((number, _), _)| number + 1) {
            log::warn!("--box-at {number} had no effect: the run ended with frame {end}");
        }
    }

    /// Goes through frames without tracking, up to the first one.
    pub fn skip_to_first<T>(&self, frames: &mut impl Iterator<Item = anyhow::Result<T>>) -> anyhow::Result<()> {
        for number in 0..self.first {
            match frames.next() {
                Some(frame) => drop(frame?),
                None => bail!("--start {}: there are {number} frames", self.first + 1),
            }
        }
        Ok(())
    }
}

/// A number of at least 1.
pub fn parse_frame(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "a whole number of at least 1 is needed".into())
}

/// The value of `--box-at`: frame, target and box.
fn parse_box_at(text: &str) -> Result<((usize, usize), BoundingBox), String> {
    let (place, region) = text.split_once('=').ok_or("FRAME=X,Y,WIDTH,HEIGHT is needed, such as 40=198,214,34,81")?;
    Ok((parse_place(place)?, parse_box(region)?))
}

/// A frame and a target, which is the first one where it is not named.
fn parse_place(text: &str) -> Result<(usize, usize), String> {
    let (frame, target) = text.split_once(':').unwrap_or((text, "1"));
    Ok((parse_frame(frame.trim())?, parse_frame(target.trim())?))
}
