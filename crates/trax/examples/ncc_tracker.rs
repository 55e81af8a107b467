//! A tracker that really tracks: it looks for the first frame's patch by normalised
//! cross-correlation around the last place.
//!
//! Grey values, no change of size, no update of the patch: the simplest method there is, as a start
//! for one of your own.

use image::GrayImage;
use image::imageops::{FilterType, resize};
use trax::{
    Channel, Handler, Image, ImageFormat, Images, Metadata, Object, Properties, Rectangle, Region, RegionFormat,
    Server, Status, local_file, run,
};

/// Longest side of the patch that is compared; larger targets and their frames are shrunk to it.
const PATCH_SIDE: f32 = 32.0;

/// Why a frame could not be answered.
#[derive(Debug, thiserror::Error)]
enum NccError {
    #[error("{0}")]
    Image(#[from] image::ImageError),
    #[error("only paths are understood")]
    Form,
    #[error("the region is empty or outside the frame")]
    Region,
}

/// One target: its patch, and where it was last, in pixels of the shrunk frame.
struct Target {
    patch: GrayImage,
    /// Pixels of the shrunk frame for each pixel of the real one.
    scale: f32,
    left: u32,
    top: u32,
    region: Rectangle,
}

impl Target {
    fn new(frame: &GrayImage, region: Rectangle) -> Result<Self, NccError> {
        let scale = (PATCH_SIDE / region.width.max(region.height)).min(1.0);
        let frame = shrink(frame, scale);
        let (left, top) = ((region.x * scale).max(0.0) as u32, (region.y * scale).max(0.0) as u32);
        let right = (((region.x + region.width) * scale) as u32).min(frame.width());
        let bottom = (((region.y + region.height) * scale) as u32).min(frame.height());
        if right <= left || bottom <= top {
            return Err(NccError::Region);
        }
        let patch = image::imageops::crop_imm(&frame, left, top, right - left, bottom - top).to_image();
        Ok(Self { patch, scale, left, top, region })
    }

    /// Moves to the best place within a patch's size of the last one.
    fn track(&mut self, frame: &GrayImage) -> Status {
        let frame = shrink(frame, self.scale);
        let (width, height) = self.patch.dimensions();
        let columns = self.left.saturating_sub(width)..=(self.left + width).min(frame.width().saturating_sub(width));
        let rows = self.top.saturating_sub(height)..=(self.top + height).min(frame.height().saturating_sub(height));
        let mut best = (f32::NEG_INFINITY, self.left, self.top);
        for top in rows {
            for left in columns.clone() {
                let score = correlation(&self.patch, &frame, left, top);
                if score > best.0 {
                    best = (score, left, top);
                }
            }
        }
        let (score, left, top) = best;
        self.region.x += (left as f32 - self.left as f32) / self.scale;
        self.region.y += (top as f32 - self.top as f32) / self.scale;
        (self.left, self.top) = (left, top);
        Status::new(Region::Rectangle(self.region)).confidence(f64::from(score.max(-1.0)))
    }
}

/// A smaller copy of a frame.
fn shrink(frame: &GrayImage, scale: f32) -> GrayImage {
    let side = |pixels: u32| ((pixels as f32 * scale) as u32).max(1);
    resize(frame, side(frame.width()), side(frame.height()), FilterType::Triangle)
}

/// Zero-mean normalised cross-correlation, -1 to 1, of a patch and the part of a frame of its size
/// at (`left`, `top`).
fn correlation(patch: &GrayImage, frame: &GrayImage, left: u32, top: u32) -> f32 {
    let (width, stride) = (patch.width() as usize, frame.width() as usize);
    let rows = frame.as_raw().chunks_exact(stride).skip(top as usize).map(|row| &row[left as usize..][..width]);
    let (mut a, mut b, mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (ours, theirs) in patch.as_raw().chunks_exact(width).zip(rows) {
        for (&x, &y) in ours.iter().zip(theirs) {
            let (x, y) = (f32::from(x), f32::from(y));
            a += x;
            b += y;
            aa += x * x;
            bb += y * y;
            ab += x * y;
        }
    }
    let count = (patch.width() * patch.height()) as f32;
    let variance = (aa - a * a / count) * (bb - b * b / count);
    if variance > 0.0 { (ab - a * b / count) / variance.sqrt() } else { 0.0 }
}

/// All targets of a session.
#[derive(Default)]
struct Ncc(Vec<Target>);

impl Handler for Ncc {
    type Error = NccError;

    fn initialize(
        &mut self,
        images: Images,
        objects: Vec<Object>,
        properties: Properties,
    ) -> Result<Vec<Status>, NccError> {
        self.0.clear();
        self.frame(images, objects, properties)
    }

    fn frame(&mut self, images: Images, added: Vec<Object>, _: Properties) -> Result<Vec<Status>, NccError> {
        let begun = std::time::Instant::now();
        let Some(Image::Path(path)) = images.get(Channel::Color) else { return Err(NccError::Form) };
        let frame = image::open(local_file(path))?.into_luma8();
        let mut statuses: Vec<Status> = self.0.iter_mut().map(|target| target.track(&frame)).collect();
        for object in added {
            self.0.push(Target::new(&frame, object.region.bounds().ok_or(NccError::Region)?)?);
            statuses.push(Status::new(object.region).confidence(1.0));
        }
        let seconds = begun.elapsed().as_secs_f64();
        Ok(statuses.into_iter().map(|status| status.seconds(seconds)).collect())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let metadata = Metadata::new("ncc")
        .description("Normalised cross-correlation with the first frame's patch")
        .regions(&[RegionFormat::Rectangle])
        .images(&[ImageFormat::Path])
        .multi_object(std::env::args().any(|argument| argument == "--multi-object"));
    run(&mut Server::from_environment(&metadata)?, &mut Ncc::default())?;
    Ok(())
}
