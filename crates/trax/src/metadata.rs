//! What a tracker announces about itself.

use std::fmt::{self, Display, Formatter};

use super::properties::Properties;

/// Something that an introduction lists by words.
pub(crate) trait Word: Copy + PartialEq + 'static {
    /// All there are, in the order in which messages have them.
    const ALL: &'static [Self];

    /// The word in messages.
    fn word(self) -> &'static str;
}

/// The words of an enumeration, in the order in which messages have them; `Display` writes the
/// same.
macro_rules! words {
    ($kind:ident { $($variant:ident = $word:literal),+ }) => {
        impl Word for $kind {
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl Display for $kind {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

/// Some of them for a message: `path, memory`.
pub(crate) fn in_words<T: Word>(listed: &[T]) -> String {
    listed.iter().map(|format| format.word()).collect::<Vec<_>>().join(", ")
}

words!(RegionFormat { Rectangle = "rectangle", Polygon = "polygon", Mask = "mask" });
words!(ImageFormat { Path = "path", Url = "url", Memory = "memory", Buffer = "buffer" });
words!(Channel { Color = "color", Depth = "depth", Ir = "ir" });

/// A form in which a region can be sent.
///
/// ```
/// use trax::{Metadata, RegionFormat};
///
/// let metadata = Metadata::new("a").regions(&[RegionFormat::Polygon, RegionFormat::Mask]);
/// assert!(!metadata.regions.contains(&RegionFormat::Rectangle));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RegionFormat {
    /// An axis-aligned rectangle.
    Rectangle,
    /// A polygon of three or more corners.
    Polygon,
    /// A binary mask.
    Mask,
}

/// A form in which an image can be sent.
///
/// ```
/// use trax::{ImageFormat, Metadata};
///
/// let metadata = Metadata::new("a").images(&[ImageFormat::Path, ImageFormat::Buffer]);
/// assert!(!metadata.images.contains(&ImageFormat::Url));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ImageFormat {
    /// The path of a file.
    Path,
    /// An address; the tracker fetches it itself.
    Url,
    /// Raw pixels.
    Memory,
    /// The bytes of a JPEG or PNG file.
    Buffer,
}

/// A kind of image; a frame has one image of each channel that the tracker asked for.
///
/// ```
/// use trax::{Channel, Metadata};
///
/// let metadata = Metadata::new("a").channels(&[Channel::Color, Channel::Depth]);
/// assert_eq!(metadata.channels, &Channel::ALL[..2]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Channel {
    /// Visible light.
    Color,
    /// Depth.
    Depth,
    /// Infrared.
    Ir,
}

impl Channel {
    /// All channels, in the order in which messages carry them.
    pub const ALL: &'static [Self] = <Self as Word>::ALL;
}

/// What a tracker announces about itself when a session begins.
///
/// Starts as a single-object tracker that takes rectangles and paths of colour images; the methods
/// change one thing each.
///
/// ```
/// use trax::{ImageFormat, Metadata, RegionFormat};
///
/// let metadata = Metadata::new("static")
///     .description("Stays where it was put")
///     .regions(&[RegionFormat::Rectangle, RegionFormat::Polygon])
///     .images(&[ImageFormat::Path, ImageFormat::Memory])
///     .multi_object(true);
/// assert_eq!(metadata.name, "static");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata {
    /// The tracker's name.
    pub name: String,
    /// What it is, in a sentence.
    pub description: String,
    /// The family of methods that it belongs to.
    pub family: String,
    /// The region formats that it accepts; at least one.
    pub regions: Vec<RegionFormat>,
    /// The image formats that it accepts; at least one.
    pub images: Vec<ImageFormat>,
    /// The channels that it needs with each frame; at least one.
    pub channels: Vec<Channel>,
    /// Whether it tracks several objects at the same time.
    pub multi_object: bool,
    /// Properties of the tracker's own.
    pub custom: Properties,
}

impl Metadata {
    /// A single-object tracker that takes rectangles and paths of colour images.
    ///
    /// ```
    /// # use trax::{Channel, ImageFormat, Metadata, RegionFormat};
    /// let metadata = Metadata::new("a");
    /// assert_eq!(metadata.regions, [RegionFormat::Rectangle]);
    /// assert_eq!(metadata.images, [ImageFormat::Path]);
    /// assert_eq!(metadata.channels, [Channel::Color]);
    /// assert!(!metadata.multi_object);
    /// ```
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: String::new(),
            family: String::new(),
            regions: vec![RegionFormat::Rectangle],
            images: vec![ImageFormat::Path],
            channels: vec![Channel::Color],
            multi_object: false,
            custom: Properties::new(),
        }
    }

    /// Sets the description.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// Sets the family of methods.
    #[must_use]
    pub fn family(mut self, text: impl Into<String>) -> Self {
        self.family = text.into();
        self
    }

    /// Sets the region formats that are accepted.
    #[must_use]
    pub fn regions(mut self, formats: &[RegionFormat]) -> Self {
        self.regions = formats.to_vec();
        self
    }

    /// Sets the image formats that are accepted. [`ImageFormat::Url`] is refused unless it is
    /// listed here.
    #[must_use]
    pub fn images(mut self, formats: &[ImageFormat]) -> Self {
        self.images = formats.to_vec();
        self
    }

    /// Sets the channels that each frame must bring.
    #[must_use]
    pub fn channels(mut self, channels: &[Channel]) -> Self {
        self.channels = channels.to_vec();
        self
    }

    /// Says whether several objects can be tracked at the same time.
    #[must_use]
    pub fn multi_object(mut self, yes: bool) -> Self {
        self.multi_object = yes;
        self
    }

    /// Adds properties of the tracker's own, such as its version.
    ///
    /// ```
    /// use trax::{Metadata, Properties};
    ///
    /// let mut about = Properties::new();
    /// about.insert("a.version", "1.0")?;
    /// let metadata = Metadata::new("a").family("correlation filters").custom(about);
    /// assert_eq!(metadata.custom.get("a.version"), Some("1.0"));
    /// # Ok::<(), trax::Error>(())
    /// ```
    #[must_use]
    pub fn custom(mut self, properties: Properties) -> Self {
        self.custom = properties;
        self
    }
}
