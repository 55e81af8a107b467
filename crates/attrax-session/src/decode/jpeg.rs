//! JPEGs, refused where data is missing. Decoders that accept everything fill the rest with grey,
//! which a tracker takes for the frame.

mod scans;

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

use self::scans::Scans;
use super::error::Refusal;

/// Codes of markers.
const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;
const FILL: u8 = 0xff;
/// Bytes after the data: more than a decoder reads ahead.
const PADDING: usize = 32;

/// The pixels of a JPEG, turned as its EXIF data say.
pub(super) fn decode(bytes: &[u8], most: u64) -> Result<DynamicImage, Refusal> {
    let Some(end) = end_of(bytes) else { return Err(Refusal::Format("the JPEG is cut short".into())) };
    if !end.whole {
        return Err(Refusal::Format("the JPEG is incomplete or damaged (its scans lack data)".into()));
    }
    // A decoder fills up what is missing before the end marker. In zeros instead of the marker it
    // runs out of data.
    let endless = end.single_scan.then(|| [&bytes[..end.offset], &[0; PADDING]].concat());
    let data = endless.as_deref().unwrap_or(bytes);
    match decode_as(data, most, true) {
        // Files with such oddities have all their pixels.
        Err(Fault::Decoder(error)) if is_harmless(&error) => decode_as(bytes, most, false),
        decoded => decoded,
    }
    .map_err(|fault| match fault {
        Fault::Pixels | Fault::Decoder(DecodeErrors::LargeDimensions(_)) => Refusal::Pixels,
        Fault::Decoder(error) => Refusal::Format(format!("the JPEG is incomplete or damaged ({error:?})")),
        Fault::Size => Refusal::Format("the JPEG has another size than it declares".into()),
    })
}

enum Fault {
    Pixels,
    Size,
    Decoder(DecodeErrors),
}

impl From<DecodeErrors> for Fault {
    fn from(error: DecodeErrors) -> Self {
        Self::Decoder(error)
    }
}

/// Bytes between two headers, and components that its colours do not need, which a strict decoder
/// refuses.
fn is_harmless(error: &DecodeErrors) -> bool {
    let text = format!("{error:?}");
    text.contains("Extra bytes between headers") || text.contains("number of components")
}

fn decode_as(bytes: &[u8], most: u64, strict: bool) -> Result<DynamicImage, Fault> {
    let options =
        DecoderOptions::default().set_strict_mode(strict).set_max_width(usize::MAX).set_max_height(usize::MAX);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers()?;
    let (width, height) = decoder.dimensions().ok_or(Fault::Size)?;
    if (width as u64).saturating_mul(height as u64) > most {
        return Err(Fault::Pixels);
    }
    let grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let colours = if grey { ColorSpace::Luma } else { ColorSpace::RGB };
    decoder.set_options(options.jpeg_set_out_colorspace(colours));
    let pixels = decoder.decode()?;
    let orientation = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif));
    let (width, height) = (width as u32, height as u32);
    let image = if grey {
        GrayImage::from_raw(width, height, pixels).map(DynamicImage::ImageLuma8)
    } else {
        RgbImage::from_raw(width, height, pixels).map(DynamicImage::ImageRgb8)
    };
    let mut image = image.ok_or(Fault::Size)?;
    image.apply_orientation(orientation.unwrap_or(Orientation::NoTransforms));
    Ok(image)
}

/// Where a JPEG ends.
struct End {
    /// The place of the marker that ends the image.
    offset: usize,
    /// Whether all its data are in one scan, without refinement.
    single_scan: bool,
    /// Whether all scans were there, as far as their headers and lengths say.
    whole: bool,
}

/// The end of the image, where the file goes on to it. Segments are stepped over by their lengths,
/// so that the end of a thumbnail in one of them does not count.
fn end_of(bytes: &[u8]) -> Option<End> {
    // After the two bytes that every JPEG starts with.
    let mut rest = bytes.get(2..)?;
    let (mut scans, mut sequential, mut image) = (0, false, None);
    // The header of a scan, and what follows it.
    let mut scan: Option<(&[u8], &[u8])> = None;
    while let Some((code, after)) = next_marker(rest) {
        // These have no segment.
        if matches!(code, 0x01 | 0xd0..=0xd8) {
            rest = after;
            continue;
        }
        if let (Some(image), Some((header, data))) = (&mut image, scan.take()) {
            Scans::add(image, header, data.len() - after.len() - 2);
        }
        if code == END_OF_IMAGE {
            let single_scan = sequential && scans == 1;
            let whole = single_scan || image.is_none_or(|image| image.are_whole());
            return Some(End { offset: bytes.len() - after.len() - 2, single_scan, whole });
        }
        let &[high, low] = after.get(..2)? else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let header = after.get(2..length).unwrap_or_default();
        rest = after.get(length..).unwrap_or_default();
        match code {
            START_OF_SCAN => {
                scans += 1;
                scan = Some((header, rest));
            }
            0xc0..=0xc2 => {
                sequential |= code != 0xc2;
                image = Scans::of_frame(code == 0xc2, header);
            }
            _ => {}
        }
    }
    None
}

/// The next marker's code and what follows it. Before it there may be coded pixels, in which 0xff
/// is followed by 0.
fn next_marker(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let mut rest = bytes;
    loop {
        let start = rest.iter().position(|&byte| byte == FILL)?;
        let behind = rest.get(start + 1..)?;
        let (&code, after) = behind.split_first()?;
        match code {
            0 => rest = after,
            FILL => rest = behind,
            code => return Some((code, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{decode, end_of};
    use image::{ExtendedColorType, ImageEncoder, codecs::jpeg::JpegEncoder};

    fn is_whole(bytes: &[u8]) -> bool {
        end_of(bytes).is_some()
    }

    fn jpeg() -> Vec<u8> {
        let mut bytes = Vec::new();
        let pixels: Vec<u8> = (0..64 * 48 * 3).map(|i: u32| (i * i % 251) as u8).collect();
        JpegEncoder::new_with_quality(&mut bytes, 95).write_image(&pixels, 64, 48, ExtendedColorType::Rgb8).unwrap();
        bytes
    }

    #[test]
    fn a_jpeg_is_whole_and_no_part_of_it_is() {
        let whole = jpeg();
        assert!(is_whole(&whole));
        for length in 0..whole.len() {
            assert!(!is_whole(&whole[..length]), "{length} of {} bytes", whole.len());
        }
        // Cameras append data of their own.
        assert!(is_whole(&[whole, b"behind the end".to_vec()].concat()));
    }

    #[test]
    fn the_end_of_a_thumbnail_is_not_the_end() {
        let whole = jpeg();
        let thumbnail = [&[0xff, 0xe1, 0x00, 0x08], &b"Exif"[..], &[0xff, 0xd9]].concat();
        let with_thumbnail = [&whole[..2], &thumbnail, &whole[2..]].concat();
        assert!(is_whole(&with_thumbnail));
        assert!(!is_whole(&with_thumbnail[..with_thumbnail.len() - 2]));
    }

    #[test]
    fn a_jpeg_holds_what_it_declares() {
        let whole = jpeg();
        let size = whole.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap() + 5;
        assert!(decode(&whole, 1 << 20).is_ok());
        for (height, width) in [(64_u16, 64_u16), (48, 80), (800, 800)] {
            let mut taller = whole.clone();
            taller[size..size + 2].copy_from_slice(&height.to_be_bytes());
            taller[size + 2..size + 4].copy_from_slice(&width.to_be_bytes());
            assert!(decode(&taller, 1 << 20).is_err(), "{width} x {height}");
        }
    }
}
