//! How much of anything the other side may ask for.

/// Upper bounds on what a session accepts; whatever exceeds one is refused with
/// [`Error::TooLarge`](super::Error::TooLarge) before memory is spent on it. The methods set one
/// each.
///
/// ```
/// use trax::Limits;
///
/// let limits = Limits::default().objects(4).message_bytes(1 << 20).message_items(100);
/// let limits = limits.image_pixels(1 << 16).polygon_points(64).mask_pixels(1 << 16);
/// assert_eq!(limits.objects, 4);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Length of one message in bytes, payloads of images included. Default 256 MiB.
    pub message_bytes: usize,
    /// Arguments and properties of one message, together. Default 1,024.
    pub message_items: usize,
    /// Width times height of an in-memory image in pixels. Default 64 Mi.
    pub image_pixels: u64,
    /// Objects tracked at the same time. Default 256.
    pub objects: usize,
    /// Corners of a polygon. Default 65,536.
    pub polygon_points: usize,
    /// Width times height in pixels of the masks that one request brings, taken together. Default
    /// 64 Mi.
    pub mask_pixels: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 256 << 20,
            message_items: 1024,
            image_pixels: 64 << 20,
            objects: 256,
            polygon_points: 1 << 16,
            mask_pixels: 64 << 20,
        }
    }
}

/// A method for each field.
macro_rules! setters {
    ($($field:ident: $kind:ty),+) => {
        impl Limits {
            $(
                #[doc = concat!("Sets [`", stringify!($field), "`](Self#structfield.", stringify!($field), ").")]
                #[must_use]
                pub fn $field(mut self, most: $kind) -> Self {
                    self.$field = most;
                    self
                }
            )+
        }
    };
}

setters!(message_bytes: usize, message_items: usize, image_pixels: u64, objects: usize, polygon_points: usize, mask_pixels: u64);
