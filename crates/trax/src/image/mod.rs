//! Images as messages carry them: where a file is, or what it holds.

mod argument;
mod file;

pub use file::local_file;

use std::path::PathBuf;

use super::error::Error;
use super::metadata::{Channel, ImageFormat};

/// An image, or the means to get it. Nothing has been opened or decoded yet.
///
/// ```
/// use trax::{Image, ImageFormat, Limits};
///
/// let image = Image::from_argument(b"file:///data/000001.jpg", &Limits::default())?;
/// match &image {
///     Image::Path(path) => assert!(path.ends_with("000001.jpg")),
///     Image::Memory(pixels) => println!("{} x {} pixels", pixels.width(), pixels.height()),
///     Image::Buffer(file) => println!("{} bytes of a file", file.data.len()),
///     Image::Url(address) => println!("{address}"),
/// }
/// assert_eq!(image.format(), ImageFormat::Path);
/// # Ok::<(), trax::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Image {
    /// The path of a file, as it was sent; see [`local_file`] for how to read a percent sign in it.
    Path(PathBuf),
    /// An address. Only trackers that announce [`ImageFormat::Url`] are ever given one.
    Url(String),
    /// Raw pixels.
    Memory(MemoryImage),
    /// The bytes of an image file.
    Buffer(BufferImage),
}

/// How raw pixels are laid out; rows follow each other from the top without padding.
///
/// ```
/// use trax::PixelFormat;
///
/// assert_eq!([PixelFormat::Gray8, PixelFormat::Gray16, PixelFormat::Rgb].map(PixelFormat::bytes), [1, 2, 3]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelFormat {
    /// One byte a pixel.
    Gray8,
    /// Two bytes a pixel, in the byte order of the machine.
    Gray16,
    /// Red, green and blue, one byte each.
    Rgb,
}

impl PixelFormat {
    /// Bytes a pixel.
    ///
    /// ```
    /// # use trax::PixelFormat;
    /// assert_eq!(PixelFormat::Gray16.bytes(), 2);
    /// ```
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::Gray8 => 1,
            Self::Gray16 => 2,
            Self::Rgb => 3,
        }
    }

    /// The name in messages.
    fn name(self) -> &'static str {
        match self {
            Self::Gray8 => "gray8",
            Self::Gray16 => "gray16",
            Self::Rgb => "rgb",
        }
    }
}

/// Raw pixels; `data` is always `width * height * format.bytes()` bytes long.
///
/// ```
/// use trax::{MemoryImage, PixelFormat};
///
/// let image = MemoryImage::new(2, 1, PixelFormat::Rgb, vec![255, 0, 0, 0, 0, 255])?;
/// assert_eq!(&image.data()[3..], [0, 0, 255]);
/// assert!(MemoryImage::new(2, 2, PixelFormat::Rgb, vec![0; 6]).is_err());
/// # Ok::<(), trax::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryImage {
    width: u32,
    height: u32,
    format: PixelFormat,
    data: Vec<u8>,
}

impl MemoryImage {
    /// An image of `width` times `height` pixels.
    ///
    /// ```
    /// use trax::{MemoryImage, PixelFormat};
    ///
    /// let image = MemoryImage::new(3, 1, PixelFormat::Gray8, vec![0, 128, 255])?;
    /// assert_eq!((image.width(), image.height(), image.format()), (3, 1, PixelFormat::Gray8));
    /// assert_eq!(image.into_data(), [0, 128, 255]);
    /// # Ok::<(), trax::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Image`] if a side is zero or the data is not as long as the size says.
    pub fn new(width: u32, height: u32, format: PixelFormat, data: Vec<u8>) -> Result<Self, Error> {
        let expected = u64::from(width) * u64::from(height) * format.bytes() as u64;
        if expected == 0 || expected != data.len() as u64 {
            return Err(Error::Image(format!(
                "{width} x {height} pixels of {} take {expected} bytes, not {}",
                format.name(),
                data.len()
            )));
        }
        Ok(Self { width, height, format, data })
    }

    /// Width in pixels, at least 1.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels, at least 1.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// How the pixels are laid out.
    #[must_use]
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// The pixels, row after row from the top.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Gives the pixels away.
    #[must_use]
    pub fn into_data(self) -> Vec<u8> {
        self.data
    }
}

/// The kind of file in a [`BufferImage`].
///
/// ```
/// use trax::{Encoding, Image, Limits};
///
/// let Image::Buffer(file) = Image::from_argument(b"data:image/png;AAAA", &Limits::default())? else { panic!("it is a file") };
/// assert_eq!(file.encoding, Encoding::Png);
/// # Ok::<(), trax::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// A JPEG file.
    Jpeg,
    /// A PNG file.
    Png,
}

/// The bytes of an image file.
///
/// ```
/// use trax::{BufferImage, Encoding, Image};
///
/// let image = Image::Buffer(BufferImage { encoding: Encoding::Jpeg, data: vec![0xff, 0xd8] });
/// assert_eq!(image.to_argument(), b"data:image/jpeg;/9g=");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BufferImage {
    /// What the sender says it is.
    pub encoding: Encoding,
    /// The file's bytes, not looked at yet.
    pub data: Vec<u8>,
}

impl Image {
    /// Which of the announced formats this is.
    ///
    /// ```
    /// # use trax::{Image, ImageFormat};
    /// assert_eq!(Image::Url("http://localhost/1.jpg".into()).format(), ImageFormat::Url);
    /// ```
    #[must_use]
    pub fn format(&self) -> ImageFormat {
        match self {
            Self::Path(_) => ImageFormat::Path,
            Self::Url(_) => ImageFormat::Url,
            Self::Memory(_) => ImageFormat::Memory,
            Self::Buffer(_) => ImageFormat::Buffer,
        }
    }
}

/// The images of a frame, one of each channel that the tracker asked for.
///
/// ```
/// use trax::{Channel, Image, Images};
///
/// let mut images = Images::color(Image::Path("color/1.jpg".into()));
/// images.set(Channel::Depth, Image::Path("depth/1.png".into()));
/// assert!(images.get(Channel::Depth).is_some() && images.get(Channel::Ir).is_none());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Images {
    channels: [Option<Image>; Channel::ALL.len()],
}

impl Images {
    /// A frame of one colour image.
    ///
    /// ```
    /// # use trax::{Channel, Image, Images};
    /// let mut images = Images::color(Image::Path("1.jpg".into()));
    /// assert_eq!(images.take(Channel::Color), Some(Image::Path("1.jpg".into())));
    /// assert_eq!(images.take(Channel::Color), None);
    /// ```
    #[must_use]
    pub fn color(image: Image) -> Self {
        let mut images = Self::default();
        images.set(Channel::Color, image);
        images
    }

    /// Sets the image of a channel.
    pub fn set(&mut self, channel: Channel, image: Image) {
        self.channels[channel as usize] = Some(image);
    }

    /// The image of a channel; a session always has those that the tracker's metadata lists.
    #[must_use]
    pub fn get(&self, channel: Channel) -> Option<&Image> {
        self.channels[channel as usize].as_ref()
    }

    /// Takes the image of a channel out.
    pub fn take(&mut self, channel: Channel) -> Option<Image> {
        self.channels[channel as usize].take()
    }
}
