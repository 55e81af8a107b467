//! The flags that bound what a client may ask for.

use attrax_session::decode::DecodeLimits;
use clap::value_parser;
use trax::Limits;

#[allow(clippy::struct_field_names, reason = "they are the flags' names")]
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
    /// Width times height of an image, as it is declared: in a message, in a file, in an encoded
    /// image [default: 67108864]
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
        default
            .message_bytes(count(self.max_message_bytes, default.message_bytes))
            .message_items(count(self.max_message_items, default.message_items))
            .image_pixels(self.max_image_pixels.unwrap_or(default.image_pixels))
            .objects(count(self.max_objects, default.objects))
            .polygon_points(count(self.max_polygon_points, default.polygon_points))
            .mask_pixels(self.max_mask_pixels.unwrap_or(default.mask_pixels))
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Args as _, Command, FromArgMatches};

    fn parse(flags: &[&str]) -> Result<Args, clap::Error> {
        let command = Args::augment_args(Command::new("attrax").no_binary_name(true));
        Args::from_arg_matches(&command.try_get_matches_from(flags)?)
    }

    #[test]
    fn every_flag_sets_a_limit_of_its_own() {
        let none = parse(&[]).unwrap();
        assert_eq!(none.session(), Limits::default());
        assert_eq!(none.decoding(), DecodeLimits::default());
        let all = parse(&[
            "--max-message-bytes=1001",
            "--max-message-items=1002",
            "--max-image-pixels=1003",
            "--max-file-bytes=1004",
            "--max-objects=1005",
            "--max-polygon-points=1006",
            "--max-mask-pixels=1007",
        ]);
        let all = all.unwrap();
        let expected = Limits::default().message_bytes(1001).message_items(1002).image_pixels(1003);
        let expected = expected.objects(1005).polygon_points(1006).mask_pixels(1007);
        assert_eq!(all.session(), expected);
        assert_eq!(all.decoding(), DecodeLimits { pixels: 1003, file_bytes: 1004 });
    }

    #[test]
    fn the_help_tells_the_defaults() {
        let (session, decoding) = (Limits::default(), DecodeLimits::default());
        assert_eq!(session.image_pixels, decoding.pixels, "one flag sets both");
        let defaults = [
            ("max_message_bytes", session.message_bytes as u64),
            ("max_message_items", session.message_items as u64),
            ("max_image_pixels", session.image_pixels),
            ("max_file_bytes", decoding.file_bytes),
            ("max_objects", session.objects as u64),
            ("max_polygon_points", session.polygon_points as u64),
            ("max_mask_pixels", session.mask_pixels),
        ];
        let command = Args::augment_args(Command::new("attrax"));
        assert_eq!(command.get_arguments().count(), defaults.len());
        for (name, default) in defaults {
            let flag = command.get_arguments().find(|flag| flag.get_id() == name).unwrap();
            let help = flag.get_help().unwrap().to_string();
            assert!(help.ends_with(&format!("[default: {default}]")), "{name}: {help}");
        }
    }

    #[test]
    fn what_is_out_of_range_is_refused_by_name() {
        for flag in
            ["message-bytes", "message-items", "image-pixels", "file-bytes", "objects", "polygon-points", "mask-pixels"]
        {
            for value in ["0", "18446744073709551615", "-1", "many"] {
                let error = parse(&[&format!("--max-{flag}={value}")]).err().unwrap().to_string();
                assert!(error.contains(&format!("--max-{flag}")), "{error}");
            }
        }
    }
}
