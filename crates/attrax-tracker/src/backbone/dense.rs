//! Many crops in one pass: crops of one scale with positions on a common grid share a pass over the
//! window around them.

use std::collections::BTreeMap;
use std::sync::Arc;

use tch::{Device, Kind, Tensor};

use super::Backbone;
use super::atrous;
use super::block::Passes;
use super::network::{Adapter, Network};
use super::planes::{plane_of, rows_among};
use crate::crops::gpu::Resident;
use crate::crops::{CONTEXT, window};
use crate::parallel::Workers;
use crate::plan::Plan;
use crate::profile::{self, Stage};
use crate::{BoundingBox, CropFormat, Frame};
use attrax_kernels::{Cells, Plane, channels_last, filled};

/// Windows in a pass on a GPU: bounds its memory.
const VIEWS_TOGETHER: i64 = 8;

/// A window of a frame: boxes of one size with centres on a grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// The box in the middle.
    pub region: BoundingBox,
    /// Boxes to the left and to the right of it, and above and below.
    pub radius: (usize, usize),
}

/// A network that describes windows.
///
/// Where the network pads nothing (VGG-M) the features are exactly those of a crop for each box.
/// Where it pads, what a crop has beyond its edge is zero, and what a window has there is the
/// frame.
#[derive(Debug)]
pub struct Dense {
    network: Network,
    workers: Arc<Workers>,
    layout: Layout,
}

/// Positions in a window and in the network's output for it.
#[derive(Clone, Copy, Debug)]
struct Layout {
    format: CropFormat,
    device: Device,
    /// Pixels of the network's input between two boxes.
    step: usize,
    /// Positions of the pass's output between two cells of a box's features.
    spacing: i64,
}

impl Dense {
    /// The network of a backbone, for boxes that are `step` pixels of its input apart: a power of
    /// two up to 16.
    #[must_use]
    pub fn new(backbone: &Backbone, step: usize) -> Self {
        let adapter = backbone.network.adapter;
        let (layers, spacing) = atrous::dense(&backbone.plain, adapter.output.0, step as i64);
        let passes = if backbone.products == Kind::BFloat16 { Passes::Rounded } else { Passes::Forward };
        Self {
            network: Network { layers, front: 0, piece: VIEWS_TOGETHER, cuts: [0; 4], adapter, input_rotates: false }
                .fused(passes),
            workers: Arc::clone(&backbone.workers),
            layout: Layout { format: backbone.format, device: backbone.device, step, spacing },
        }
    }

    /// The same network for another thread; weights and threads are shared.
    pub(crate) fn share(&self) -> Self {
        Self { network: self.network.share(), workers: Arc::clone(&self.workers), layout: self.layout }
    }

    /// How far two neighbours in a view of a region are apart, pixels of the frame, along x and y.
    #[must_use]
    pub fn stride(&self, region: BoundingBox) -> (f64, f64) {
        let share = self.layout.step as f64 / self.layout.format.size as f64 * (1.0 + 2.0 * CONTEXT);
        (region.width * share, region.height * share)
    }

    /// The boxes of a view, row by row.
    #[must_use]
    pub fn boxes(&self, view: &View) -> Vec<BoundingBox> {
        let (dx, dy) = self.stride(view.region);
        let (cx, cy) = view.region.centre();
        let along = |radius: usize, from: f64, stride: f64| {
            (0..=2 * radius).map(move |i| from + (i as f64 - radius as f64) * stride)
        };
        along(view.radius.1, cy, dy)
            .flat_map(|y| along(view.radius.0, cx, dx).map(move |x| (x, y)))
            .map(|centre| BoundingBox::from_centre(centre, view.region.width, view.region.height))
            .collect()
    }

    /// Features of the boxes of several views of a frame: `(boxes, length)`, view by view.
    pub fn describe(&self, frame: &Frame, views: &[View]) -> Tensor {
        let together = Plan::on(self.layout.device).gpu.then(|| self.describe_together(frame, views));
        if let Some(features) = together.flatten() {
            return features;
        }
        let layout = self.layout;
        if let [view] = views {
            return tch::no_grad(|| layout.features(&self.network, frame, view, Some(&self.workers)));
        }
        let items = views.iter().map(|view| (self.network.share(), *view)).collect();
        let describe =
            |(network, view): (Network, View)| tch::no_grad(|| layout.features(&network, frame, &view, None));
        Tensor::cat(&self.workers.map(items, describe), 0)
    }

    /// The same with several views of one reach in a pass: a GPU has little to do in each. `None`
    /// if the device cannot cut windows ([`Resident::new`]).
    fn describe_together(&self, frame: &Frame, views: &[View]) -> Option<Tensor> {
        let layout = &self.layout;
        // A padded network sees a window's rim: a view in a larger window has other features.
        let mut groups: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
        for (place, view) in views.iter().enumerate() {
            groups.entry(view.radius).or_default().push(place);
        }
        let mut features = BTreeMap::new();
        for (radius, places) in &groups {
            for places in places.chunks(VIEWS_TOGETHER as usize) {
                let items: Vec<_> = places.iter().map(|place| (frame, views[*place].region)).collect();
                let resident = Resident::new(&items, layout.format, layout.device)?;
                tch::no_grad(|| {
                    let input = resident.windows((layout.side(radius.0), layout.side(radius.1)));
                    let output = pass(&self.network, &input, None);
                    for (number, place) in (0i64..).zip(places) {
                        let output = output.narrow(0, number, 1);
                        features.insert(*place, layout.cells_of(&output, &views[*place], &self.network.adapter, None));
                    }
                });
            }
        }
        Some(Tensor::cat(&features.into_values().collect::<Vec<_>>(), 0))
    }
}

impl Layout {
    /// Pixels of the network's input that a view needs along an axis.
    fn side(&self, radius: usize) -> usize {
        self.format.size + 2 * radius * self.step
    }

    /// Features of the boxes of one view. Uses the other threads if there are any.
    fn features(&self, network: &Network, frame: &Frame, view: &View, workers: Option<&Workers>) -> Tensor {
        let size = (self.side(view.radius.0), self.side(view.radius.1));
        let input = window(frame, view.region, size, self.format, self.device);
        self.cells_of(&pass(network, &input, workers), view, &network.adapter, workers)
    }

    /// Features of the boxes of a view, from the output for a window. Uses the other threads if
    /// there are any.
    fn cells_of(&self, output: &Tensor, view: &View, adapter: &Adapter, workers: Option<&Workers>) -> Tensor {
        let _span = profile::span(Stage::Backbone);
        let (columns, rows) = (2 * view.radius.0 as i64 + 1, 2 * view.radius.1 as i64 + 1);
        if let Some(values) = channels_last(output) {
            let cells = Cells {
                channels: adapter.output.0 as usize,
                side: adapter.output.1 as usize,
                spacing: self.spacing as usize,
                boxes: (rows as usize, columns as usize),
                rotated: adapter.is_rotated,
                gain: adapter.gain as f32,
            };
            let length = cells.length() as i64;
            let (plane, places) = (plane_of(output), Plane { height: rows as usize, width: columns as usize });
            let features = filled([rows * columns, length, 1, 1], |features| {
                rows_among(workers, places, features, |rows, strip| cells.gather(values, plane, rows, strip));
            });
            return features.view([rows * columns, length]);
        }
        // A step between boxes is one position of the output, whatever the spacing of a box's own
        // cells.
        let cell = |row: i64, column: i64| {
            output.narrow(2, row * self.spacing, rows).narrow(3, column * self.spacing, columns)
        };
        let (channels, side) = adapter.output;
        let cells: Vec<Tensor> =
            (0..side).flat_map(|row| (0..side).map(move |column| (row, column))).map(|(r, c)| cell(r, c)).collect();
        // (cells, 1, channels, rows, columns), whose rows and columns may be rotated, to (rows x
        // columns, channels, cells, 1).
        let stacked = adapter.rotated(&Tensor::stack(&cells, 0)).squeeze_dim(1).permute([2, 3, 1, 0]);
        adapter.features(&stacked.contiguous().view([rows * columns, channels, side * side, 1]))
    }
}

/// The network's output for windows.
fn pass(network: &Network, windows: &Tensor, workers: Option<&Workers>) -> Tensor {
    let _span = profile::span(Stage::Backbone);
    network.run(std::iter::once(windows.shallow_clone()), workers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_in_one_pass_are_those_of_a_pass_each() {
        let backbone = Backbone::embedded();
        let dense = Dense::new(&backbone, 8);
        let pixels = (0..160u32 * 120 * 3).map(|i| (i * i / 7 % 251) as u8).collect();
        let frame = Frame::from_rgb8(160, 120, pixels).unwrap();
        let view = |x: f64, side: f64, radius| View { region: BoundingBox::new(x, 30.0, side, 40.0), radius };
        let views =
            [view(20.0, 30.0, (4, 4)), view(60.0, 50.0, (2, 3)), view(3.0, 12.0, (4, 4)), view(9.0, 80.0, (2, 3))];
        let (apart, together) = (dense.describe(&frame, &views), dense.describe_together(&frame, &views).unwrap());
        let error = (&apart - &together).norm() / apart.norm();
        assert!(error.double_value(&[]) < 1e-5, "{error:?}");
    }
}
