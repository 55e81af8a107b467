//! Files and messages' payloads to RGB pixels.
//!
//! Whatever the format stores (grey, 16 bits, alpha, CMYK) becomes three bytes a pixel: grey is
//! repeated, 16 bits become 8 by the range of the sequence's first frame ([`Depth`]), alpha is
//! dropped. The EXIF orientation is applied, as `OpenCV` does and as annotators saw the frames. The
//! format is recognised by the contents, not by the file's name. Sizes are limited as declared,
//! before memory is taken for them. Incomplete data is refused.

mod depth;
mod error;
mod jpeg;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Cursor, Read, Seek};
use std::path::Path;

use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader};

pub use self::depth::Depth;
pub use self::error::DecodeError;
use self::error::Refusal;

use trax::{self, MemoryImage, PixelFormat};

/// An RGB image, 8 bits a channel.
#[derive(Clone, PartialEq, Eq)]
pub struct RgbImage {
    /// Width in pixels, at least 1.
    pub width: u32,
    /// Height in pixels, at least 1.
    pub height: u32,
    /// `height * width * 3` bytes: interleaved red, green and blue, rows from the top.
    pub pixels: Vec<u8>,
}

impl std::fmt::Debug for RgbImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RgbImage({} x {})", self.width, self.height)
    }
}

/// Upper bounds on what is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Width times height in pixels. Default 64 Mi.
    pub pixels: u64,
    /// Size of a file in bytes. Default 256 MiB.
    pub file_bytes: u64,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self { pixels: 64 << 20, file_bytes: 256 << 20 }
    }
}

/// Bytes that the parts of a file besides its pixels may take: profiles, texts, one row.
const METADATA: u64 = 64 << 20;

/// Why a file without bytes is no image.
const EMPTY: &str = "it is empty";

/// What a payload is called in errors.
const PAYLOAD: &str = "the image in the message";

/// The pixels of an image that came in a message.
///
/// # Errors
///
/// See [`DecodeError`].
pub fn decode(image: trax::Image, limits: &DecodeLimits, depth: &mut Depth) -> Result<RgbImage, DecodeError> {
    match image {
        trax::Image::Path(path) => decode_file(&trax::local_file(&path), limits, depth),
        trax::Image::Buffer(buffer) => decode_bytes(&buffer.data, limits, depth),
        trax::Image::Memory(memory) => decode_memory(memory, limits, depth),
        trax::Image::Url(url) => Err(DecodeError::Url(url)),
    }
}

/// The pixels of an image file: JPEG, PNG, BMP or TIFF, recognised by its contents.
///
/// # Errors
///
/// See [`DecodeError`]; the text of each names the file.
pub fn decode_file(path: &Path, limits: &DecodeLimits, depth: &mut Depth) -> Result<RgbImage, DecodeError> {
    let origin = path.display().to_string();
    let failed = |error| DecodeError::Read { origin: origin.clone(), error };
    // Asked before it is opened: opening a pipe would wait for its writer.
    let metadata = fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(DecodeError::NotRegular(path.to_owned()));
    }
    if metadata.len() > limits.file_bytes {
        return Err(DecodeError::TooLarge { origin, what: "size of a file in bytes", limit: limits.file_bytes });
    }
    // The kernel's own files are regular and have the size 0. Reading some of them blocks.
    if metadata.len() == 0 {
        return Err(DecodeError::Format { origin, reason: EMPTY.into() });
    }
    // Read whole: a file that cannot be read is another error than one that makes no sense.
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    let file = File::open(path).map_err(failed)?;
    file.take(limits.file_bytes).read_to_end(&mut bytes).map_err(failed)?;
    decode_named(&bytes, &origin, limits, depth)
}

/// The pixels of an image file's bytes.
///
/// # Errors
///
/// [`DecodeError::Format`] and [`DecodeError::TooLarge`].
pub fn decode_bytes(bytes: &[u8], limits: &DecodeLimits, depth: &mut Depth) -> Result<RgbImage, DecodeError> {
    decode_named(bytes, PAYLOAD, limits, depth)
}

/// The pixels of an image file's bytes, which errors call `origin`.
fn decode_named(bytes: &[u8], origin: &str, limits: &DecodeLimits, depth: &mut Depth) -> Result<RgbImage, DecodeError> {
    // Decoders' reasons may have several lines; this one becomes part of a sentence.
    let wrong = |reason: String| {
        let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
        DecodeError::Format { origin: origin.to_owned(), reason }
    };
    let large = |what, limit| DecodeError::TooLarge { origin: origin.to_owned(), what, limit };
    if bytes.is_empty() {
        return Err(wrong(EMPTY.into()));
    }
    let reader = ImageReader::new(BufReader::new(Cursor::new(bytes)))
        .with_guessed_format()
        .map_err(|error| wrong(error.to_string()))?;
    let decoded = match reader.format() {
        None => return Err(wrong("not an image of a known format (JPEG, PNG, BMP, TIFF)".into())),
        Some(ImageFormat::Jpeg) => jpeg::decode(bytes, limits.pixels),
        Some(_) => decode_limited(reader, limits.pixels),
    };
    let decoded = decoded.map_err(|refusal| match refusal {
        Refusal::Pixels => large("size of an image in pixels", limits.pixels),
        Refusal::Memory => large("memory for decoding, in bytes,", memory_for(limits.pixels)),
        Refusal::Format(reason) => wrong(reason),
    })?;
    from_dynamic(decoded, depth).map_err(|reason| wrong(reason.into()))
}

/// Bytes that a decoder may take for an image of so many pixels. Eight bytes a pixel are the most
/// that a decoder of these formats gives out (16 bits, four channels); as much again is for its own
/// work.
fn memory_for(pixels: u64) -> u64 {
    pixels.saturating_mul(16).saturating_add(1 << 20)
}

/// Decodes after looking at the declared size, which is known before colour profiles and the like
/// are inflated.
fn decode_limited<R: BufRead + Seek>(mut reader: ImageReader<R>, most: u64) -> Result<DynamicImage, Refusal> {
    let mut allocation = image::Limits::no_limits();
    allocation.max_alloc = Some(memory_for(most).min(METADATA));
    reader.limits(allocation.clone());
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > most {
        return Err(Refusal::Pixels);
    }
    allocation.max_alloc = Some(memory_for(u64::from(width) * u64::from(height)).max(METADATA));
    decoder.set_limits(allocation)?;
    if matches!(decoder.color_type(), ColorType::Rgb32F | ColorType::Rgba32F) {
        return Err(Refusal::Format("its pixels are floating-point numbers; save it with 8 or 16 bits".into()));
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// The pixels of an in-memory image.
fn decode_memory(image: MemoryImage, limits: &DecodeLimits, depth: &mut Depth) -> Result<RgbImage, DecodeError> {
    let (width, height, format) = (image.width(), image.height(), image.format());
    if u64::from(width) * u64::from(height) > limits.pixels {
        let what = "size of an image in pixels";
        return Err(DecodeError::TooLarge { origin: PAYLOAD.into(), what, limit: limits.pixels });
    }
    let data = image.into_data();
    let pixels = match format {
        PixelFormat::Rgb => data,
        PixelFormat::Gray8 => data.iter().flat_map(|&gray| [gray; 3]).collect(),
        PixelFormat::Gray16 => {
            let values: Vec<u16> = data.chunks_exact(2).map(|pair| u16::from_ne_bytes([pair[0], pair[1]])).collect();
            depth.bytes(&values).into_iter().flat_map(|gray| [gray; 3]).collect()
        }
    };
    Ok(RgbImage { width, height, pixels })
}

/// An image of at least one pixel.
fn from_dynamic(image: DynamicImage, depth: &mut Depth) -> Result<RgbImage, &'static str> {
    let (width, height) = (image.width(), image.height());
    if width == 0 || height == 0 {
        return Err("it has no pixels");
    }
    let pixels = match image {
        DynamicImage::ImageLuma16(image) => {
            depth.bytes(image.as_raw()).into_iter().flat_map(|gray| [gray; 3]).collect()
        }
        DynamicImage::ImageLumaA16(_) => {
            depth.bytes(image.into_luma16().as_raw()).into_iter().flat_map(|gray| [gray; 3]).collect()
        }
        DynamicImage::ImageRgb16(image) => depth.bytes(image.as_raw()),
        DynamicImage::ImageRgba16(_) => depth.bytes(image.into_rgb16().as_raw()),
        image => image.into_rgb8().into_raw(),
    };
    Ok(RgbImage { width, height, pixels })
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageBuffer, Luma, LumaA, Rgb, Rgba};

    fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.into().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn reason(bytes: &[u8]) -> String {
        decode_bytes(bytes, &DecodeLimits::default(), &mut Depth::default()).unwrap_err().to_string()
    }

    #[test]
    fn every_layout_becomes_rgb() {
        let limits = DecodeLimits::default();
        let gray = ImageBuffer::from_fn(3, 2, |x, y| Luma([(x * 80 + y * 7) as u8]));
        let expected: Vec<u8> = gray.iter().flat_map(|&value| [value; 3]).collect();
        let gray16 = ImageBuffer::from_fn(3, 2, |x, y| Luma([(x * 80 + y * 7) as u16 * 257]));
        let gray_alpha = ImageBuffer::from_fn(3, 2, |x, y| LumaA([(x * 80 + y * 7) as u8, 3]));
        let rgb16 = ImageBuffer::from_fn(3, 2, |x, y| Rgb([(x * 80 + y * 7) as u16 * 257; 3]));
        let rgba = ImageBuffer::from_fn(3, 2, |x, y| {
            let value = (x * 80 + y * 7) as u8;
            Rgba([value, value, value, 0])
        });
        for bytes in [
            encoded(gray.clone(), ImageFormat::Png),
            encoded(gray.clone(), ImageFormat::Bmp),
            encoded(gray, ImageFormat::Tiff),
            encoded(gray16, ImageFormat::Png),
            encoded(gray_alpha, ImageFormat::Png),
            encoded(rgb16.clone(), ImageFormat::Png),
            encoded(rgb16, ImageFormat::Tiff),
            encoded(rgba, ImageFormat::Png),
        ] {
            let image = decode_bytes(&bytes, &limits, &mut Depth::default()).unwrap();
            assert_eq!((image.width, image.height), (3, 2));
            assert_eq!(image.pixels, expected);
        }
    }

    #[test]
    fn memory_images_become_rgb() {
        let limits = DecodeLimits::default();
        let gray16: Vec<u8> = [0_u16, 0x8000, 0xffff].iter().flat_map(|value| value.to_ne_bytes()).collect();
        for (format, data, expected) in [
            (PixelFormat::Gray8, vec![1, 2, 3], vec![1, 1, 1, 2, 2, 2, 3, 3, 3]),
            (PixelFormat::Gray16, gray16, vec![0, 0, 0, 128, 128, 128, 255, 255, 255]),
            (PixelFormat::Rgb, (0..9).collect(), (0..9).collect()),
        ] {
            let image = trax::Image::Memory(MemoryImage::new(3, 1, format, data).unwrap());
            assert_eq!(decode(image, &limits, &mut Depth::default()).unwrap().pixels, expected);
        }
    }

    #[test]
    fn broken_files_are_told_apart() {
        assert!(reason(b"").ends_with("it is empty"));
        assert!(reason(b"these are words, not pixels").contains("not an image of a known format"));
        let pixels = ImageBuffer::from_fn(40, 30, |x, y| Rgb([(x * y % 251) as u8, x as u8, y as u8]));
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Bmp, ImageFormat::Tiff] {
            let whole = encoded(pixels.clone(), format);
            assert!(decode_bytes(&whole, &DecodeLimits::default(), &mut Depth::default()).is_ok(), "{format:?}");
            for cut in [9, 30, whole.len() / 2, whole.len() - 20] {
                assert!(
                    decode_bytes(&whole[..cut], &DecodeLimits::default(), &mut Depth::default()).is_err(),
                    "{format:?}, {cut} bytes"
                );
            }
        }
    }

    #[test]
    fn sizes_are_judged_as_declared() {
        let mut png = encoded(ImageBuffer::from_pixel(40, 30, Rgb([1_u8, 2, 3])), ImageFormat::Png);
        let small = DecodeLimits { pixels: 1199, ..DecodeLimits::default() };
        assert!(matches!(
            decode_bytes(&png, &small, &mut Depth::default()),
            Err(DecodeError::TooLarge { limit: 1199, .. })
        ));
        assert!(decode_bytes(&png, &DecodeLimits { pixels: 1200, ..small }, &mut Depth::default()).is_ok());
        // Width and height, then the checksum of the header.
        png[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
        assert!(decode_bytes(&png, &DecodeLimits::default(), &mut Depth::default()).is_err());
    }

    #[test]
    fn only_regular_files_are_read() {
        let limits = DecodeLimits::default();
        for path in ["/", "/dev/null", "/dev/zero"] {
            assert!(
                matches!(decode_file(Path::new(path), &limits, &mut Depth::default()), Err(DecodeError::NotRegular(_))),
                "{path}"
            );
        }
        assert!(matches!(
            decode_file(Path::new("/nowhere/1.jpg"), &limits, &mut Depth::default()),
            Err(DecodeError::Read { .. })
        ));
        assert!(matches!(
            decode(trax::Image::Url("http://x/1.jpg".into()), &limits, &mut Depth::default()),
            Err(DecodeError::Url(_))
        ));
    }
}
