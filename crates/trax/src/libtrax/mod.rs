//! A session that libtrax keeps, in owned types. All unsafe code but that of `descriptor` is here.
//!
//! No byte that the other side sent comes here, only counts and the values of checked Rust types.
//! libtrax reads and writes files, so it is given two in memory: in one it finds a script that says
//! as much as "one more object" and "a frame", with constant placeholders; from the other its
//! messages are taken.

mod metadata;
mod objects;
mod text;

use std::ffi::CStr;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::ptr::{self, NonNull};

use libtrax_sys as sys;
use rustix::fs::{MemfdFlags, memfd_create};

use crate::error::Error;
use crate::metadata::{ImageFormat, Metadata};
use crate::properties::Properties;
use crate::region::Region;
use crate::session::Session;

use metadata::MetadataHandle;
use objects::ObjectList;
use text::c_string;

/// libtrax's own version.
pub(crate) fn version() -> String {
    // SAFETY: the function takes nothing and gives a string literal.
    unsafe { CStr::from_ptr(sys::trax_version()) }.to_string_lossy().into_owned()
}

/// A session that libtrax keeps.
pub(crate) struct LibtraxSession {
    handle: Handle,
    /// What each initialisation sets a server up with: what the tracker announced, and that it
    /// takes paths.
    metadata: MetadataHandle,
    /// The message of a frame: a path for each channel, whatever the client sends.
    frame: String,
    files: Files,
}

// SAFETY: what libtrax allocated is owned by this value alone, and libtrax uses no thread-local
// state.
unsafe impl Send for LibtraxSession {}

impl LibtraxSession {
    /// Sets up a server; gives the introduction too.
    pub(crate) fn introduce(metadata: &Metadata) -> Result<(Self, Vec<u8>), Error> {
        let mut files = Files { script: memory("trax-script")?, written: memory("trax-written")? };
        let handle = Handle::new(&MetadataHandle::new(metadata)?, &files)?;
        let hello = files.take()?;
        let mut with_paths = metadata.clone();
        with_paths.images.push(ImageFormat::Path);
        let channels = metadata.channels.iter().collect::<std::collections::BTreeSet<_>>().len();
        let frame = format!("@@TRAX:frame {}\n", "\"file:///-\" ".repeat(channels));
        Ok((Self { handle, metadata: MetadataHandle::new(&with_paths)?, frame, files }, hello))
    }

    /// Lets libtrax read `script`, which must be one complete request, and compares what it takes
    /// it for.
    fn play(&mut self, script: &str, expected: u32) -> Result<(), Error> {
        self.files.put(script)?;
        let mut images: *mut sys::trax_image_list = ptr::null_mut();
        let mut objects: *mut sys::trax_object_list = ptr::null_mut();
        // SAFETY: the handle is alive, both results start as null and properties may be null; the
        // script holds a complete request of texts that libtrax's parsers take.
        let code = unsafe {
            sys::trax_server_wait_mot(self.handle.0.as_ptr(), &raw mut images, &raw mut objects, ptr::null_mut())
        };
        if !images.is_null() {
            // SAFETY: libtrax gave the list away; first its images go, then itself.
            unsafe {
                sys::trax_image_list_clear(images);
                sys::trax_image_list_release(&raw mut images);
            }
        }
        // SAFETY: the list is null or was given away by libtrax; releasing null does nothing.
        unsafe { sys::trax_object_list_release(&raw mut objects) };
        if code.cast_unsigned() == expected { Ok(()) } else { Err(self.handle.error("a request was refused")) }
    }
}

impl Session for LibtraxSession {
    fn request(&mut self, restart: bool, added: usize) -> Result<(), Error> {
        if restart {
            // A blank initialize message would do the same but leaks memory in libtrax 4.0.2. The
            // new server's introduction and the old one's quit message are not sent.
            self.handle = Handle::new(&self.metadata, &self.files)?;
            self.files.take()?;
        }
        let script = "@@TRAX:initialize \"0,0,1,1\" \n".repeat(added) + &self.frame;
        self.play(&script, if restart { sys::TRAX_INITIALIZE } else { sys::TRAX_FRAME })
    }

    fn client_quit(&mut self) -> Result<(), Error> {
        self.play("@@TRAX:quit \n", sys::TRAX_QUIT)
    }

    fn reply(&mut self, objects: &[(&Region, &Properties)]) -> Result<Vec<u8>, Error> {
        let list = ObjectList::new(objects).ok_or_else(|| Error::Library("a region could not be built".into()))?;
        // SAFETY: the handle and the list are alive; libtrax only reads the list.
        let code = unsafe { sys::trax_server_reply_mot(self.handle.0.as_ptr(), list.as_ptr()) };
        if code != sys::TRAX_OK as i32 {
            return Err(self.handle.error("a reply was refused"));
        }
        self.files.take()
    }

    fn quit(&mut self, reason: Option<&str>) -> Result<Vec<u8>, Error> {
        let reason = reason.map(c_string);
        let reason = reason.as_ref().map_or(ptr::null(), |text| text.as_ptr());
        // SAFETY: the handle is alive; the reason is null or ends in a zero byte.
        unsafe { sys::trax_terminate(self.handle.0.as_ptr(), reason) };
        self.files.take()
    }
}

/// A server that libtrax allocated.
struct Handle(NonNull<sys::trax_handle>);

impl Handle {
    /// Sets a server up, which writes its introduction. The files have to outlive it.
    fn new(metadata: &MetadataHandle, files: &Files) -> Result<Self, Error> {
        let (reader, writer) = (files.script.as_raw_fd(), files.written.as_raw_fd());
        // SAFETY: the metadata is alive and has a channel, both descriptors are open and outlive
        // the handle, the version 0 stands for the newest, and there is no logger.
        let raw = unsafe { sys::trax_server_setup_file_v(metadata.raw.as_ptr(), reader, writer, sys::trax_no_log, 0) };
        NonNull::new(raw).map(Self).ok_or_else(|| Error::Library("no server could be set up".into()))
    }

    /// Why the last call failed, in libtrax's words where it has any.
    fn error(&self, otherwise: &str) -> Error {
        // SAFETY: the handle is alive; the text is null or stays until the next call, and it is
        // copied here.
        let text = unsafe {
            let text = sys::trax_get_error(self.0.as_ptr());
            (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
        };
        Error::Library(text.unwrap_or_else(|| otherwise.to_owned()))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let mut raw = self.0.as_ptr();
        // SAFETY: the handle came from libtrax, both descriptors are still open, and it is not used
        // afterwards.
        unsafe { sys::trax_cleanup(&raw mut raw) };
    }
}

/// What libtrax reads, and what it has written.
struct Files {
    script: File,
    written: File,
}

impl Files {
    /// Replaces what libtrax reads.
    fn put(&mut self, script: &str) -> Result<(), Error> {
        self.script.set_len(0)?;
        self.script.rewind()?;
        self.script.write_all(script.as_bytes())?;
        Ok(self.script.rewind()?)
    }

    /// Takes what libtrax has written.
    fn take(&mut self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        self.written.rewind()?;
        self.written.read_to_end(&mut bytes)?;
        self.written.set_len(0)?;
        self.written.rewind()?;
        Ok(bytes)
    }
}

/// A file in memory, without a name.
fn memory(name: &str) -> Result<File, Error> {
    Ok(memfd_create(name, MemfdFlags::CLOEXEC).map_err(std::io::Error::from)?.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::{Channel, RegionFormat};
    use crate::session::RustSession;

    #[test]
    fn the_version_is_the_one_of_the_bindings() {
        assert_eq!(version(), "4.0.2");
    }

    #[test]
    fn libtrax_and_rust_write_the_same() {
        let mut about = Properties::new();
        // Every bucket of libtrax's map, most of them twice.
        for key in (0..60).map(|number| format!("key{number}")).chain(["trax".into(), "zz.Z_".into()]) {
            about.insert(&key, format!("{key} \"=\" \\ \n\t\r ž😀")).unwrap();
        }
        let metadata = Metadata::new("ž \"a\"")
            .description("b\n")
            .regions(&[RegionFormat::Mask, RegionFormat::Rectangle])
            .images(&[ImageFormat::Buffer, ImageFormat::Memory])
            .channels(&[Channel::Ir, Channel::Color])
            .multi_object(true)
            .custom(about.clone());
        let (mut libtrax, theirs) = LibtraxSession::introduce(&metadata).unwrap();
        let (mut native, ours) = RustSession::introduce(&metadata);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        assert_eq!(text(ours), text(theirs));
        let none = Properties::new();
        let regions: Vec<Region> = ["7", "1,2.5,-3e7,0.00005", "0,0,4,0,4,3", "mask:-3,4,2,2,3,1", "mask:0,0,2,2,1,1"]
            .map(|text| text.parse().unwrap())
            .to_vec();
        for restart in [true, false, true] {
            let mut tracked: Vec<(&Region, &Properties)> = regions.iter().map(|region| (region, &about)).collect();
            for session in [&mut libtrax as &mut dyn Session, &mut native] {
                session.request(true, tracked.len()).unwrap();
            }
            assert_eq!(text(native.reply(&tracked).unwrap()), text(libtrax.reply(&tracked).unwrap()));
            if !restart {
                tracked.push((&regions[0], &none));
                for session in [&mut libtrax as &mut dyn Session, &mut native] {
                    session.request(false, 1).unwrap();
                }
                assert_eq!(text(native.reply(&tracked).unwrap()), text(libtrax.reply(&tracked).unwrap()));
            }
        }
        assert!(libtrax.reply(&[]).is_err(), "it counts the objects");
        let reason = Some("no \"more\" ž");
        assert_eq!(text(native.quit(reason).unwrap()), text(libtrax.quit(reason).unwrap()));
        assert_eq!(libtrax.quit(None).unwrap(), b"", "it has said so");
    }
}
