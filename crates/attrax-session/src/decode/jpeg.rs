//! Whether a JPEG is all there. Decoders fill what is missing of one with grey, which a tracker would take for the frame.

/// Codes of markers.
const END_OF_IMAGE: u8 = 0xd9;
const FILL: u8 = 0xff;

/// Whether the file goes on to the marker that ends its image. Segments are stepped over by their lengths, so that the end of a
/// thumbnail in one of them does not count.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    // Behind the two bytes that every JPEG starts with.
    let mut rest = bytes.get(2..).unwrap_or_default();
    while let Some((code, behind)) = next_marker(rest) {
        rest = match code {
            END_OF_IMAGE => return true,
            // These have no segment.
            0x01 | 0xd0..=0xd8 => behind,
            _ => {
                let Some(&[high, low]) = behind.get(..2) else { return false };
                behind.get(usize::from(u16::from_be_bytes([high, low]))..).unwrap_or_default()
            }
        };
    }
    false
}

/// The next marker's code and what lies behind it. Before it there may be coded pixels, in which 0xff is followed by 0.
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
    use super::is_whole;
    use image::{ExtendedColorType, ImageEncoder, codecs::jpeg::JpegEncoder};

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
}
