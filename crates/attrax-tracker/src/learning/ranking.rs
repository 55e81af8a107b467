//! The ranking of candidates by their scores.

use tch::{Device, Tensor};

use super::head::{Head, TARGET};
use super::memory::Described;
use super::train::scores;
use crate::BoundingBox;
use crate::backbone::Backbone;
use crate::config::Config;
use crate::crops::gpu::to_device;
use crate::profile::{self, Stage};

/// Length of the short list of a ranking in bfloat16.
const SHORTLIST: i64 = 64;

/// A classifier as it ranks candidates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ranking<'a> {
    pub head: &'a Head,
    pub backbone: &'a Backbone,
    pub config: &'a Config,
}

impl Ranking<'_> {
    /// The mean of the best among candidates whose ranking scores are known.
    pub fn best_place(&self, seen: &Described, around: BoundingBox) -> Option<BoundingBox> {
        let _span = profile::span(Stage::Scoring);
        let count = self.config.best.min(seen.boxes.len());
        let costs = self.distance_costs(&seen.boxes, around);
        let (_, order) = less(seen.ranks.as_ref()?, costs.as_ref()).topk(count as i64, 0, true, true);
        let mut places = vec![0i64; count];
        order.to_device(Device::Cpu).copy_data(&mut places, count);
        BoundingBox::mean(&places.iter().map(|place| seen.boxes[*place as usize]).collect::<Vec<_>>())
    }

    /// Scores of the target that candidates are ranked by.
    pub fn ranks(&self, features: &Tensor) -> Tensor {
        let _span = profile::span(Stage::Scoring);
        let (backbone, kind) = (self.backbone, self.backbone.ranking());
        let scores = scores(&self.head.rounded(kind), backbone, self.config, &features.to_kind(kind));
        scores.select(1, TARGET).to_kind(features.kind())
    }

    /// The places of the best candidates, best first, and their scores of the target.
    pub fn ranked(&self, seen: &Described, around: BoundingBox, count: i64) -> (Tensor, Tensor) {
        let (features, costs) = (&seen.features, self.distance_costs(&seen.boxes, around));
        let ranks = seen.ranks.as_ref().map_or_else(|| self.ranks(features), Tensor::shallow_clone);
        let rough = self.backbone.ranking() != features.kind();
        if !rough {
            let (_, order) = less(&ranks, costs.as_ref()).topk(count, 0, true, true);
            return (order.shallow_clone(), ranks.index_select(0, &order));
        }
        // The short list, whose scores are then computed in float32.
        let keep = SHORTLIST.max(count).min(seen.boxes.len() as i64);
        let (_, few) = less(&ranks, costs.as_ref()).topk(keep, 0, true, false);
        let at = |tensor: &Tensor| tensor.index_select(0, &few);
        let scores = scores(self.head, self.backbone, self.config, &at(features)).select(1, TARGET);
        let (_, order) = less(&scores, costs.map(|costs| at(&costs)).as_ref()).topk(count, 0, true, true);
        (few.index_select(0, &order), scores.index_select(0, &order))
    }

    /// The candidates' distance penalties, if there is one.
    fn distance_costs(&self, candidates: &[BoundingBox], around: BoundingBox) -> Option<Tensor> {
        let penalty = self.config.distance_penalty;
        if penalty == 0.0 {
            return None;
        }
        let ((cx, cy), unit) = (around.centre(), around.mean_side());
        let cost = |candidate: &BoundingBox| {
            let (x, y) = candidate.centre();
            (penalty * ((x - cx).powi(2) + (y - cy).powi(2)) / unit.powi(2)) as f32
        };
        let costs: Vec<f32> = candidates.iter().map(cost).collect();
        Some(to_device(&Tensor::from_slice(&costs), self.backbone.device()))
    }
}

/// Scores less the candidates' penalties, if there are any.
fn less(scores: &Tensor, costs: Option<&Tensor>) -> Tensor {
    costs.map_or_else(|| scores.shallow_clone(), |costs| scores - costs)
}
