//! Lists of objects, and the regions and properties in them.

use std::ptr::NonNull;

use libtrax_sys as sys;

use super::text::c_string;
use crate::properties::Properties;
use crate::region::{Mask, Polygon, Region};

/// A list of objects that libtrax allocated.
pub(super) struct ObjectList {
    raw: NonNull<sys::trax_object_list>,
}

impl ObjectList {
    /// A list of regions and properties; `None` if one of them cannot be built or there are more
    /// than libtrax counts.
    pub(super) fn new(objects: &[(&Region, &Properties)]) -> Option<Self> {
        let count = i32::try_from(objects.len()).ok()?;
        // SAFETY: the count is not negative; the list is owned by the value made of it.
        let list = Self { raw: NonNull::new(unsafe { sys::trax_object_list_create(count) })? };
        for (index, (region, properties)) in (0..).zip(objects) {
            let region = CRegion::new(region)?;
            // SAFETY: list and region are alive, the index is below the list's size, and libtrax
            // clones the region.
            unsafe { sys::trax_object_list_set(list.raw.as_ptr(), index, region.raw.as_ptr()) };
            // SAFETY: the list is alive and the index below its size, so this points to the
            // object's own properties.
            let target = unsafe { sys::trax_object_list_properties(list.raw.as_ptr(), index) };
            for (key, value) in properties.iter() {
                let (key, value) = (c_string(key), c_string(value));
                // SAFETY: the properties are alive and both strings end in a zero byte; libtrax
                // copies them.
                unsafe { sys::trax_properties_set(target, key.as_ptr(), value.as_ptr()) };
            }
        }
        Some(list)
    }

    /// For calls that only read the list.
    pub(super) fn as_ptr(&self) -> *mut sys::trax_object_list {
        self.raw.as_ptr()
    }
}

impl Drop for ObjectList {
    fn drop(&mut self) {
        let mut raw = self.raw.as_ptr();
        // SAFETY: the list came from libtrax, is released once, and nothing of it is kept.
        unsafe { sys::trax_object_list_release(&raw mut raw) };
    }
}

/// A region that libtrax allocated.
pub(super) struct CRegion {
    raw: NonNull<sys::trax_region>,
}

impl CRegion {
    /// The region's equal in C.
    pub(super) fn new(region: &Region) -> Option<Self> {
        let raw = match region {
            // SAFETY: any code makes a special region.
            Region::Special(code) => unsafe { sys::trax_region_create_special(*code) },
            // SAFETY: any numbers make a rectangle.
            Region::Rectangle(r) => unsafe { sys::trax_region_create_rectangle(r.x, r.y, r.width, r.height) },
            Region::Polygon(polygon) => return Self::polygon(polygon),
            Region::Mask(mask) => return Self::mask(mask),
        };
        Some(Self { raw: NonNull::new(raw)? })
    }

    /// A polygon has three corners or more, which is what libtrax asserts.
    fn polygon(polygon: &Polygon) -> Option<Self> {
        let count = i32::try_from(polygon.points().len()).ok()?;
        // SAFETY: the count is at least three.
        let region = Self { raw: NonNull::new(unsafe { sys::trax_region_create_polygon(count) })? };
        for (index, point) in (0..count).zip(polygon.points()) {
            // SAFETY: the region is a polygon and the index below its count.
            unsafe { sys::trax_region_set_polygon_point(region.raw.as_ptr(), index, point.x, point.y) };
        }
        Some(region)
    }

    /// A mask has at least one pixel, and no more than an `int` counts.
    fn mask(mask: &Mask) -> Option<Self> {
        let (width, height) = (i32::try_from(mask.width()).ok()?, i32::try_from(mask.height()).ok()?);
        // SAFETY: both sides are positive and their product, the length of the mask's data, fits an
        // `int`.
        let raw = unsafe { sys::trax_region_create_mask(mask.x(), mask.y(), width, height) };
        let region = Self { raw: NonNull::new(raw)? };
        // SAFETY: the region is a mask and row 0 exists; its rows follow each other without gaps.
        let first = unsafe { sys::trax_region_write_mask_row(region.raw.as_ptr(), 0) };
        // SAFETY: the mask's block is width times height bytes long, as many as there are values,
        // and belongs to the region.
        let pixels =
            unsafe { std::slice::from_raw_parts_mut(first.cast::<std::mem::MaybeUninit<u8>>(), mask.data().len()) };
        for (pixel, &set) in pixels.iter_mut().zip(mask.data()) {
            pixel.write(u8::from(set));
        }
        Some(region)
    }
}

impl Drop for CRegion {
    fn drop(&mut self) {
        let mut raw = self.raw.as_ptr();
        // SAFETY: the region came from libtrax, is released once, and nothing of it is kept.
        unsafe { sys::trax_region_release(&raw mut raw) };
    }
}

/// What libtrax's own reader and writer make of a text; only for texts that our reader has
/// accepted.
#[cfg(test)]
pub(super) fn through_libtrax(text: &str) -> Option<String> {
    let text = c_string(text);
    // SAFETY: the text ends in a zero byte, and our reader accepted it, so libtrax's assertions and
    // arithmetic hold.
    let raw = unsafe { sys::trax_region_decode(text.as_ptr()) };
    let region = CRegion { raw: NonNull::new(raw)? };
    region.encode()
}

#[cfg(test)]
impl CRegion {
    /// The text that libtrax writes.
    pub(super) fn encode(&self) -> Option<String> {
        // SAFETY: the region is alive; the text is a block of its own.
        let text = NonNull::new(unsafe { sys::trax_region_encode(self.raw.as_ptr()) })?;
        // SAFETY: libtrax ends its texts with a zero byte.
        let owned = unsafe { std::ffi::CStr::from_ptr(text.as_ptr()) }.to_string_lossy().into_owned();
        // SAFETY: libtrax allocates with malloc, and the block is not used afterwards.
        unsafe { free(text.as_ptr().cast()) };
        Some(owned)
    }
}

#[cfg(test)]
unsafe extern "C" {
    fn free(block: *mut std::ffi::c_void);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libtrax_reads_and_writes_regions_as_we_do() {
        for text in [
            "0",
            "-12",
            "1.5,2.25,30,40.125",
            "rect:-1,-2,3,4",
            "0,0,4,0,4,3",
            "poly:1.5,2,3,4,5,6.0625,7,8",
            "mask:3,4,5,2,1,2,3,1,2",
            "mask:3,4,2,2,0,4",
            "mask:-3,-4,2,2,3,1",
            "123456.789,0.00004,0.00005,1e6",
        ] {
            let region: Region = text.parse().unwrap();
            assert_eq!(through_libtrax(text).as_deref(), Some(region.to_string().as_str()), "{text}");
            assert_eq!(CRegion::new(&region).unwrap().encode().unwrap(), region.to_string(), "{text}");
        }
    }
}
