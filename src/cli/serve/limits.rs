//! The flags that bound what a client may ask for.

use attrax::decode::DecodeLimits;
use attrax::trax::Limits;
use clap::value_parser;

/// Bounds of a session, each of which ends it with its name as the reason.
#[derive(clap::Args, Default)]
#[command(next_help_heading = "Limits (whatever is larger is refused before memory is spent on it)")]
pub struct Args {
    /// Bytes in one message, pixels and encoded images in it included [default: 268435456]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(256..=1 << 32))]
    max_message_bytes: Option<u64>,
    /// Arguments and properties in one message [default: 1024]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(4..=1 << 20))]
    max_message_items: Option<u64>,
    /// Width times height of an image, as it is declared: in a message, in a file, in an encoded image [default: 67108864]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=1 << 32))]
    max_image_pixels: Option<u64>,
    /// Bytes in an image file [default: 268435456]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=1 << 32))]
    max_file_bytes: Option<u64>,
    /// Objects tracked at the same time [default: 256]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=1 << 16))]
    max_objects: Option<u64>,
    /// Corners of a polygon [default: 65536]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(3..=1 << 24))]
    max_polygon_points: Option<u64>,
    /// Width times height of the masks in one request, taken together [default: 67108864]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=(1 << 31) - 1))]
    max_mask_pixels: Option<u64>,
}

impl Args {
    /// The bounds on messages.
    pub fn session(&self) -> Limits {
        let default = Limits::default();
        let count = |flag: Option<u64>, default| flag.map_or(default, |n| usize::try_from(n).unwrap_or(usize::MAX));
        Limits {
            message_bytes: count(self.max_message_bytes, default.message_bytes),
            message_items: count(self.max_message_items, default.message_items),
            image_pixels: self.max_image_pixels.unwrap_or(default.image_pixels),
            objects: count(self.max_objects, default.objects),
            polygon_points: count(self.max_polygon_points, default.polygon_points),
            mask_pixels: self.max_mask_pixels.unwrap_or(default.mask_pixels),
        }
    }

    /// The bounds on what is decoded.
    pub fn decoding(&self) -> DecodeLimits {
        let default = DecodeLimits::default();
        DecodeLimits {
            pixels: self.max_image_pixels.unwrap_or(default.pixels),
            file_bytes: self.max_file_bytes.unwrap_or(default.file_bytes),
        }
    }
}
