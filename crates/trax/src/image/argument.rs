//! Images as the arguments of messages.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use super::file::{from_bytes, to_bytes};
use super::{BufferImage, Encoding, Image, MemoryImage, PixelFormat};
use crate::error::Error;
use crate::limits::Limits;

/// Padded, and like libtrax it does not look at the last digit's bits that stand for nothing.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

impl Image {
    /// Reads an image from a message's argument.
    ///
    /// # Errors
    ///
    /// [`Error::Image`] if it makes no sense, [`Error::TooLarge`] if its declared size is over the
    /// limit; the size is judged before anything is allocated for it.
    ///
    /// ```
    /// use trax::{Image, Limits};
    ///
    /// let image = Image::from_argument(b"file:///data/000001.jpg", &Limits::default())?;
    /// assert_eq!(image, Image::Path("/data/000001.jpg".into()));
    /// let huge = Image::from_argument(b"image:65535;65535;rgb;AAAA", &Limits::default());
    /// assert!(huge.is_err());
    /// # Ok::<(), trax::Error>(())
    /// ```
    pub fn from_argument(argument: &[u8], limits: &Limits) -> Result<Self, Error> {
        match split_scheme(argument) {
            Some((b"file", rest)) => path_from(strip_authority(rest)),
            Some((b"image", rest)) => memory_from(rest, limits),
            Some((b"data", rest)) => buffer_from(rest),
            Some(_) => match std::str::from_utf8(argument) {
                Ok(url) => Ok(Self::Url(url.to_owned())),
                Err(_) => Err(Error::Image("an address that is not text".into())),
            },
            // A bare path, as old clients send it.
            None => path_from(argument),
        }
    }

    /// The argument that stands for the image in a message.
    ///
    /// ```
    /// # use trax::Image;
    /// assert_eq!(Image::Path("/data/1.jpg".into()).to_argument(), b"file:///data/1.jpg");
    /// ```
    #[must_use]
    pub fn to_argument(&self) -> Vec<u8> {
        match self {
            Self::Path(path) => {
                let path = to_bytes(path);
                // Behind two slashes this relative path would be read as a file of the host of that
                // name.
                let scheme: &[u8] = if path.starts_with(b"localhost/") { b"file:" } else { b"file://" };
                [scheme, &path].concat()
            }
            Self::Url(url) => url.clone().into_bytes(),
            Self::Memory(image) => {
                let header = format!("image:{};{};{};", image.width, image.height, image.format.name());
                encoded(header, &image.data)
            }
            Self::Buffer(image) => {
                let name = match image.encoding {
                    Encoding::Jpeg => "jpeg",
                    Encoding::Png => "png",
                };
                encoded(format!("data:image/{name};"), &image.data)
            }
        }
    }
}

impl Image {
    /// The argument, if the tracker reads the same image from it.
    pub(crate) fn to_checked_argument(&self) -> Result<Vec<u8>, Error> {
        let argument = self.to_argument();
        match self {
            Self::Path(_) | Self::Url(_)
                if Self::from_argument(&argument, &Limits::default()).ok().as_ref() != Some(self) =>
            {
                let shown = argument[..argument.len().min(64)].escape_ascii();
                Err(Error::Image(format!("no message can carry \"{shown}\" as a {}", self.format())))
            }
            Self::Memory(image) if image.width.max(image.height) > u32::from(u16::MAX) => {
                Err(Error::Image(format!("{} x {} pixels: a side has 1 to 65535", image.width, image.height)))
            }
            _ => Ok(argument),
        }
    }
}

/// A text, then bytes as base64.
fn encoded(mut text: String, data: &[u8]) -> Vec<u8> {
    BASE64.encode_string(data, &mut text);
    text.into_bytes()
}

/// Splits an address after its scheme, which is at most 15 lower-case letters, `+`, `-` and `.`, as
/// libtrax has it.
fn split_scheme(argument: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = argument.iter().take(16).position(|&byte| byte == b':')?;
    let scheme = &argument[..end];
    scheme
        .iter()
        .all(|&byte| byte.is_ascii_lowercase() || matches!(byte, b'+' | b'-' | b'.'))
        .then_some((scheme, &argument[end + 1..]))
}

/// What follows `file:` without the slashes or the name of this machine before the path.
fn strip_authority(rest: &[u8]) -> &[u8] {
    match rest.strip_prefix(b"//") {
        Some(path) if path.starts_with(b"localhost/") => &path[b"localhost".len()..],
        Some(path) => path,
        None => rest,
    }
}

/// A path that a file system can take.
fn path_from(bytes: &[u8]) -> Result<Image, Error> {
    let path = from_bytes(bytes.to_vec()).map(Image::Path);
    path.ok_or_else(|| Error::Image("a path that is empty, has a zero byte or is not possible on this system".into()))
}

/// `width;height;format;base64`
fn memory_from(rest: &[u8], limits: &Limits) -> Result<Image, Error> {
    let mut fields = rest.splitn(4, |&byte| byte == b';');
    let mut field =
        |name: &str| fields.next().ok_or_else(|| Error::Image(format!("an in-memory image without its {name}")));
    let width = side(field("width")?)?;
    let height = side(field("height")?)?;
    let format = field("format")?;
    let format = [PixelFormat::Gray8, PixelFormat::Gray16, PixelFormat::Rgb]
        .into_iter()
        .find(|known| known.name().as_bytes().eq_ignore_ascii_case(format))
        .ok_or_else(|| Error::Image("an in-memory image of an unknown format".into()))?;
    let text = field("pixels")?;
    let pixels = u64::from(width) * u64::from(height);
    if pixels > limits.image_pixels {
        return Err(Error::TooLarge { what: "size of an image in pixels", limit: limits.image_pixels });
    }
    let data = BASE64.decode(text).map_err(|_| Error::Image("pixels that are not base64".into()))?;
    Ok(Image::Memory(MemoryImage::new(width, height, format, data)?))
}

/// One side of an image in pixels: 1 to 65,535 digits only.
fn side(text: &[u8]) -> Result<u32, Error> {
    std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse::<u16>().ok())
        .filter(|&side| side > 0)
        .map(u32::from)
        .ok_or_else(|| Error::Image("a side that is not 1 to 65535 pixels".into()))
}

/// `image/jpeg;base64`
fn buffer_from(rest: &[u8]) -> Result<Image, Error> {
    let end = rest.iter().position(|&byte| byte == b';');
    let (name, text) = rest.split_at(end.ok_or_else(|| Error::Image("an encoded image without its format".into()))?);
    let encoding = match name.to_ascii_lowercase().as_slice() {
        b"image/jpeg" => Encoding::Jpeg,
        b"image/png" => Encoding::Png,
        _ => return Err(Error::Image("an encoded image that is neither JPEG nor PNG".into())),
    };
    // Written "data:image/png;base64,..." elsewhere; libtrax leaves the word out.
    let text = text[1..].strip_prefix(b"base64,").unwrap_or(&text[1..]);
    let data = BASE64.decode(text).map_err(|_| Error::Image("a file that is not base64".into()))?;
    if data.is_empty() {
        return Err(Error::Image("an encoded image of no bytes".into()));
    }
    Ok(Image::Buffer(BufferImage { encoding, data }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(argument: &[u8]) -> Result<Image, Error> {
        Image::from_argument(argument, &Limits::default())
    }

    #[test]
    fn paths_come_as_they_are() {
        for (argument, path) in [
            (&b"file:///a b/c%20d.jpg"[..], &b"/a b/c%20d.jpg"[..]),
            (b"file:/a.jpg", b"/a.jpg"),
            (b"file://relative.jpg", b"relative.jpg"),
            (b"file://localhost/a.jpg", b"/a.jpg"),
            (b"/old/style.jpg", b"/old/style.jpg"),
            (b"C:/not/a/scheme.jpg", b"C:/not/a/scheme.jpg"),
            ("file:///ž/😀.jpg".as_bytes(), "/ž/😀.jpg".as_bytes()),
            #[cfg(unix)]
            (b"file:///\xff.jpg", b"/\xff.jpg"),
        ] {
            assert_eq!(read(argument).unwrap(), Image::Path(from_bytes(path.to_vec()).unwrap()));
        }
        assert_eq!(read(b"http://x/a.jpg").unwrap(), Image::Url("http://x/a.jpg".into()));
        for argument in [&b""[..], b"file:", b"file://", b"file:///a\0b", b"http://\xff"] {
            assert!(matches!(read(argument), Err(Error::Image(_))), "{argument:?}");
        }
    }

    #[test]
    fn payloads_come_back() {
        for format in [PixelFormat::Gray8, PixelFormat::Gray16, PixelFormat::Rgb] {
            for (width, height) in [(1, 1), (2, 1), (5, 3)] {
                let data = (0..width as usize * height as usize * format.bytes()).map(|byte| byte as u8).collect();
                let image = Image::Memory(MemoryImage::new(width, height, format, data).unwrap());
                assert_eq!(read(&image.to_argument()).unwrap(), image);
            }
        }
        for path in ["/a b.png", "localhost/a.png", "//localhost/a.png", "relative"] {
            let image = Image::Path(path.into());
            assert_eq!(read(&image.to_argument()).unwrap(), image);
        }
        for encoding in [Encoding::Jpeg, Encoding::Png] {
            let image = Image::Buffer(BufferImage { encoding, data: vec![1, 2, 3, 4] });
            assert_eq!(read(&image.to_argument()).unwrap(), image);
        }
        assert!(matches!(read(b"data:image/png;base64,QQ=="), Ok(Image::Buffer(image)) if image.data == b"A"));
    }

    #[test]
    fn lies_are_refused() {
        for argument in [
            &b"image:"[..],
            b"image:1;1;rgb",
            b"image:1;1;rgb;",
            b"image:1;1;rgb;AAA=",
            b"image:0;1;gray8;",
            b"image:-1;1;gray8;AA==",
            b"image:65536;65536;rgb;",
            b"image:1;1;cmyk;AAAA",
            b"image:1;1;rgb;A?AA",
            b"data:image/png",
            b"data:image/png;",
            b"data:image/gif;AAAA",
            b"data:image/png;?",
        ] {
            assert!(matches!(read(argument), Err(Error::Image(_))), "{}", argument.escape_ascii());
        }
        assert!(matches!(read(b"image:65535;65535;rgb;AAAA"), Err(Error::TooLarge { .. })));
        assert!(MemoryImage::new(2, 2, PixelFormat::Gray8, vec![0; 3]).is_err());
    }
}
