//! A picture that can be drawn on: lines and letters by `embedded-graphics`, pieces of frames by
//! hand.

use std::convert::Infallible;

use attrax_session::rectangle;
use attrax_tracker::{BoundingBox, Frame, Map};
use colorous::Gradient;
use embedded_graphics::Drawable;
use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::{MonoTextStyle, MonoTextStyleBuilder, ascii::FONT_8X13};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::primitives::{Polyline, Primitive, PrimitiveStyle};
use embedded_graphics::text::{Baseline, Text};
use image::{Rgb, RgbImage};
use trax::Region;

/// Weight of a map's colour where a map covers a frame.
const COVER: f32 = 0.6;

/// Where the target was found.
pub const FOUND: Rgb888 = Rgb888::new(255, 32, 32);
/// Where it was last seen.
pub const LOST: Rgb888 = Rgb888::new(255, 220, 0);
/// Where it is by hand.
pub const TRUTH: Rgb888 = Rgb888::new(64, 255, 64);

/// Height of a line of letters, pixels.
pub const LINE: u32 = 13;

/// A picture.
pub struct Canvas(pub RgbImage);

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.0.width(), self.0.height())
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(Point { x, y }, color) in pixels {
            if let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y))
                && let Some(pixel) = self.0.get_pixel_mut_checked(x, y)
            {
                *pixel = Rgb([color.r(), color.g(), color.b()]);
            }
        }
        Ok(())
    }
}

/// A part of the picture that shows a part of a frame.
#[derive(Clone, Copy)]
pub struct Tile {
    /// Top left corner in the picture.
    left: u32,
    top: u32,
    /// Pixels of the picture.
    width: u32,
    height: u32,
    /// The part of the frame, pixels of the frame.
    area: BoundingBox,
}

impl Tile {
    /// A tile in the middle of a square of the picture, in the proportions of the area that it
    /// shows.
    pub fn within((left, top): (u32, u32), side: u32, area: BoundingBox) -> Self {
        let scale = f64::from(side) / area.width.max(area.height);
        let pixels = |length: f64| ((length * scale).round() as u32).clamp(1, side);
        let (width, height) = (pixels(area.width), pixels(area.height));
        Self { left: left + (side - width) / 2, top: top + (side - height) / 2, width, height, area }
    }

    /// A tile of given height that shows a whole frame.
    pub fn whole((left, top): (u32, u32), height: u32, frame: (u32, u32)) -> Self {
        let area = BoundingBox::new(0.0, 0.0, f64::from(frame.0), f64::from(frame.1));
        Self { left, top, width: width_of(height, frame), height, area }
    }

    /// The whole picture, which shows a whole frame of its size.
    pub fn frame((width, height): (u32, u32)) -> Self {
        let area = BoundingBox::new(0.0, 0.0, f64::from(width), f64::from(height));
        Self { left: 0, top: 0, width, height, area }
    }

    /// A place of the frame in the picture.
    fn place(&self, x: f64, y: f64) -> Point {
        let across = (x - self.area.x) / self.area.width * f64::from(self.width);
        let down = (y - self.area.y) / self.area.height * f64::from(self.height);
        let (right, bottom) = (f64::from(self.width) - 1.0, f64::from(self.height) - 1.0);
        // Points outside are drawn on the rim.
        let (across, down) = (across.clamp(0.0, right) as u32, down.clamp(0.0, bottom) as u32);
        Point::new((self.left + across) as i32, (self.top + down) as i32)
    }
}

/// Width of a frame that is shown with a given height.
pub fn width_of(height: u32, (wide, high): (u32, u32)) -> u32 {
    ((f64::from(height) * f64::from(wide) / f64::from(high)).round() as u32).clamp(1, 8 * height)
}

impl Canvas {
    /// A dark picture.
    pub fn new(width: u32, height: u32) -> Self {
        Self(RgbImage::from_pixel(width, height, Rgb([24, 24, 24])))
    }

    /// A line of letters; those that are not ASCII become question marks.
    pub fn text(&mut self, (x, y): (u32, u32), text: &str) {
        let style = MonoTextStyle::new(&FONT_8X13, Rgb888::new(235, 235, 235));
        let text = Text::with_baseline(text, Point::new(x as i32, y as i32), style, Baseline::Top);
        let Ok(_) = text.draw(self);
    }

    /// The same on a dark ground.
    pub fn label(&mut self, (x, y): (u32, u32), text: &str, color: Rgb888) {
        let style =
            MonoTextStyleBuilder::new().font(&FONT_8X13).text_color(color).background_color(Rgb888::BLACK).build();
        let text = Text::with_baseline(text, Point::new(x as i32, y as i32), style, Baseline::Top);
        let Ok(_) = text.draw(self);
    }

    /// A part of a frame, and over it, in grey, the colours of a map whose values lie in a range.
    pub fn frame(&mut self, tile: &Tile, frame: &Frame, map: Option<(&Map, (f32, f32), Gradient)>) {
        for row in 0..tile.height {
            for column in 0..tile.width {
                let x = tile.area.x + (f64::from(column) + 0.5) / f64::from(tile.width) * tile.area.width;
                let y = tile.area.y + (f64::from(row) + 0.5) / f64::from(tile.height) * tile.area.height;
                let seen = colour_at(frame, x, y);
                let value = map.and_then(|(map, range, gradient)| Some((value_at(map, x, y)?, range, gradient)));
                let shown = value.map_or(seen, |(value, (low, high), gradient)| {
                    let share = (value - low) / (high - low).max(f32::MIN_POSITIVE);
                    let grey = 0.3 * seen[0] + 0.6 * seen[1] + 0.1 * seen[2];
                    let color = gradient.eval_continuous(f64::from(share.clamp(0.0, 1.0)));
                    [color.r, color.g, color.b].map(|color| COVER * f32::from(color) + (1.0 - COVER) * grey)
                });
                self.0.put_pixel(tile.left + column, tile.top + row, Rgb(shown.map(|value| value.round() as u8)));
            }
        }
    }

    /// A region of the frame in a tile.
    pub fn outline(&mut self, tile: &Tile, region: &Region, color: Rgb888) {
        let corners: Vec<(f64, f64)> = match (region, region.bounds()) {
            (Region::Polygon(polygon), _) => {
                polygon.points().iter().map(|point| (f64::from(point.x), f64::from(point.y))).collect()
            }
            (_, Some(b)) => {
                let (left, top) = (f64::from(b.x), f64::from(b.y));
                let (right, bottom) = (left + f64::from(b.width), top + f64::from(b.height));
                vec![(left, top), (right, top), (right, bottom), (left, bottom)]
            }
            (_, None) => return,
        };
        let closed = corners.iter().chain(corners.first());
        let points: Vec<Point> = closed.map(|(x, y)| tile.place(*x, *y)).collect();
        let Ok(()) = Polyline::new(&points).into_styled(PrimitiveStyle::with_stroke(color, 2)).draw(self);
    }

    /// A box of the frame in a tile.
    pub fn outline_box(&mut self, tile: &Tile, found: BoundingBox, color: Rgb888) {
        self.outline(tile, &rectangle(found), color);
    }

    /// The colours of a range of values from below to above, and the range's ends.
    pub fn scale(&mut self, (left, top): (u32, u32), height: u32, gradient: Gradient, (low, high): (&str, &str)) {
        for row in 0..height {
            let color = gradient.eval_continuous(1.0 - f64::from(row) / f64::from(height.max(2) - 1));
            for column in 0..10 {
                self.0.put_pixel(left + column, top + row, Rgb([color.r, color.g, color.b]));
            }
        }
        self.text((left + 14, top), high);
        self.text((left + 14, top + height.saturating_sub(13)), low);
    }
}

/// The frame's colour at a place, between pixels in proportion; outside it is black.
fn colour_at(frame: &Frame, x: f64, y: f64) -> [f32; 3] {
    let (width, height) = (i64::from(frame.width()), i64::from(frame.height()));
    if x < 0.0 || y < 0.0 || x >= width as f64 || y >= height as f64 {
        return [0.0; 3];
    }
    blend(x - 0.5, y - 0.5, |column, row| {
        let start = 3 * (row.clamp(0, height - 1) * width + column.clamp(0, width - 1)) as usize;
        let pixel = &frame.pixels()[start..start + 3];
        [pixel[0], pixel[1], pixel[2]].map(f32::from)
    })
}

/// The map's value at a place of the frame, between cells in proportion; none outside of it.
fn value_at(map: &Map, x: f64, y: f64) -> Option<f32> {
    let ((columns, rows), area) = (map.size, map.area);
    let (u, v) = ((x - area.x) / area.width, (y - area.y) / area.height);
    let inside = (0.0..1.0).contains(&u) && (0.0..1.0).contains(&v);
    let cell = |place: i64, count: usize| place.clamp(0, count as i64 - 1) as usize;
    inside.then(|| {
        let at = |column, row| [map.at(cell(column, columns), cell(row, rows))];
        let [value] = blend(u * columns as f64 - 0.5, v * rows as f64 - 0.5, at);
        value
    })
}

/// Values of the four places around one, in proportion to how near they are.
fn blend<const N: usize>(x: f64, y: f64, at: impl Fn(i64, i64) -> [f32; N]) -> [f32; N] {
    let (left, top) = (x.floor(), y.floor());
    let (across, down) = ((x - left) as f32, (y - top) as f32);
    let (left, top) = (left as i64, top as i64);
    let mix = |a: [f32; N], b: [f32; N], share: f32| {
        std::array::from_fn(|channel| (1.0 - share) * a[channel] + share * b[channel])
    };
    let above = mix(at(left, top), at(left + 1, top), across);
    let below = mix(at(left, top + 1), at(left + 1, top + 1), across);
    mix(above, below, down)
}
