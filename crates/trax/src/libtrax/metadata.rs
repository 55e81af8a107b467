//! What a tracker announces, as libtrax takes it.

use std::ptr::NonNull;

use libtrax_sys as sys;

use super::text::c_string;
use crate::error::Error;
use crate::metadata::{Channel, ImageFormat, Metadata, RegionFormat};

/// Metadata that libtrax allocated.
pub(super) struct MetadataHandle {
    pub(super) raw: NonNull<sys::trax_metadata>,
}

impl MetadataHandle {
    /// The metadata's equal in C.
    pub(super) fn new(metadata: &Metadata) -> Result<Self, Error> {
        let regions = metadata.regions.iter().fold(0, |flags, format| flags | region_flag(*format));
        let images = metadata.images.iter().fold(0, |flags, format| flags | image_flag(*format));
        let channels = metadata.channels.iter().fold(0, |flags, channel| flags | channel_flag(*channel));
        let flags = if metadata.multi_object { sys::TRAX_METADATA_MULTI_OBJECT } else { 0 };
        let (name, description) = (c_string(&metadata.name), c_string(&metadata.description));
        let family = c_string(&metadata.family);
        // SAFETY: the three texts end in a zero byte and are copied; there is at least one channel.
        let raw = unsafe {
            sys::trax_metadata_create(
                regions as i32,
                images as i32,
                channels as i32,
                name.as_ptr(),
                description.as_ptr(),
                family.as_ptr(),
                flags as i32,
            )
        };
        let raw = NonNull::new(raw).ok_or_else(|| Error::Library("no metadata could be set up".into()))?;
        let handle = Self { raw };
        for (key, value) in metadata.custom.iter() {
            let (key, value) = (c_string(key), c_string(value));
            // libtrax has no function that sets them, only this field. SAFETY: the metadata is
            // alive and so are its properties; both texts end in a zero byte and are copied.
            unsafe { sys::trax_properties_set((*handle.raw.as_ptr()).custom, key.as_ptr(), value.as_ptr()) };
        }
        Ok(handle)
    }
}

impl Drop for MetadataHandle {
    fn drop(&mut self) {
        let mut raw = self.raw.as_ptr();
        // SAFETY: the metadata came from libtrax, and a server that was set up with it has its own
        // copy.
        unsafe { sys::trax_metadata_release(&raw mut raw) };
    }
}

fn region_flag(format: RegionFormat) -> u32 {
    match format {
        RegionFormat::Rectangle => sys::TRAX_REGION_RECTANGLE,
        RegionFormat::Polygon => sys::TRAX_REGION_POLYGON,
        RegionFormat::Mask => sys::TRAX_REGION_MASK,
    }
}

fn image_flag(format: ImageFormat) -> u32 {
    match format {
        ImageFormat::Path => sys::TRAX_IMAGE_PATH,
        ImageFormat::Url => sys::TRAX_IMAGE_URL,
        ImageFormat::Memory => sys::TRAX_IMAGE_MEMORY,
        ImageFormat::Buffer => sys::TRAX_IMAGE_BUFFER,
    }
}

fn channel_flag(channel: Channel) -> u32 {
    match channel {
        Channel::Color => sys::TRAX_CHANNEL_COLOR,
        Channel::Depth => sys::TRAX_CHANNEL_DEPTH,
        Channel::Ir => sys::TRAX_CHANNEL_IR,
    }
}
