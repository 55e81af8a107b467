//! The server side of a session, as libtrax keeps it.

use std::ffi::CStr;
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::AsRawFd;
use std::ptr::{self, NonNull};

use super::metadata::MetadataHandle;
use super::objects::ObjectList;
use libtrax_sys as sys;

use super::{c_string, properties_bound};
use crate::error::Error;
use crate::metadata::Metadata;
use crate::properties::Properties;
use crate::region::Region;

/// Bytes that a pipe certainly holds without a reader: Linux gives 64 KiB, and at least one page under any setting.
const PIPE_BYTES: usize = 4096;

/// Stands behind what libtrax has written for one call; libtrax writes C strings, so it never occurs in them.
const END: u8 = 0;

/// What libtrax made of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// The first objects, with their frame.
    Initialize,
    /// A frame, perhaps with objects to add.
    Frame,
    /// The end of the session.
    Quit,
}

/// A server's handle together with the two pipes that it reads and writes.
///
/// `Send`, because libtrax keeps no state of a thread and the handle is owned; not `Sync`, because its calls are not guarded.
#[derive(Debug)]
pub(crate) struct Handle {
    raw: NonNull<sys::trax_handle>,
    /// One per channel: how many images a frame brings.
    channels: usize,
    /// What libtrax is to read: written here, read through the descriptor in `_input`.
    script: PipeWriter,
    _input: PipeReader,
    /// What libtrax has written: through the descriptor in `output`, read here.
    written: PipeReader,
    output: PipeWriter,
}

// SAFETY: the handle and everything behind it is owned by this value alone, and libtrax uses no thread-local state.
unsafe impl Send for Handle {}

impl Handle {
    /// Sets up a server and gives the bytes of its introduction.
    pub(crate) fn serve(metadata: &Metadata) -> Result<(Self, Vec<u8>), Error> {
        if metadata.channels.is_empty() {
            return Err(Error::Library("a tracker needs at least one channel".into()));
        }
        let (input, script) = pipe()?;
        let (written, output) = pipe()?;
        let described = MetadataHandle::new(metadata)?;
        let bound = 1024 + described.bytes;
        let (reader, writer) = (input.as_raw_fd(), output.as_raw_fd());
        let (raw, hello) = collect(&written, &output, bound, || {
            // SAFETY: the metadata is alive and has a channel, both descriptors are open and outlive the handle, the version
            // 0 stands for the newest, and there is no logger.
            unsafe { sys::trax_server_setup_file_v(described.raw.as_ptr(), reader, writer, sys::trax_no_log, 0) }
        })?;
        let raw = NonNull::new(raw).ok_or_else(|| Error::Library("no server could be set up".into()))?;
        let channels = metadata.channels.iter().collect::<std::collections::BTreeSet<_>>().len();
        let handle = Self { raw, channels, script, _input: input, written, output };
        // libtrax is only ever shown paths, whatever the client sends and the tracker announced just now.
        // SAFETY: the handle and its own copy of the metadata are alive, and nothing else refers to them.
        unsafe { (*(*handle.raw.as_ptr()).metadata).format_image |= sys::TRAX_IMAGE_PATH as i32 };
        Ok((handle, hello))
    }

    /// Tells libtrax of a request: `objects` new ones after forgetting the old ones if `restart`, and a frame.
    pub(crate) fn request(&mut self, restart: bool, objects: usize) -> Result<Event, Error> {
        if restart {
            // A blank initialize message would do the same but leaks memory in libtrax 4.0.2.
            // SAFETY: the handle is alive and this field is a plain count.
            unsafe { (*self.raw.as_ptr()).objects = 0 };
        }
        let mut script = String::new();
        for _ in 0..objects {
            script.push_str("@@TRAX:initialize \"0,0,1,1\" \n");
        }
        script.push_str("@@TRAX:frame ");
        for _ in 0..self.channels {
            script.push_str("\"file:///-\" ");
        }
        script.push('\n');
        self.play(&script)
    }

    /// Tells libtrax that the client has quit.
    pub(crate) fn client_quit(&mut self) -> Result<Event, Error> {
        self.play("@@TRAX:quit \n")
    }

    /// Lets libtrax read `script`, which must be one complete request.
    fn play(&mut self, script: &str) -> Result<Event, Error> {
        if script.len() <= PIPE_BYTES {
            self.script.write_all(script.as_bytes())?;
            return self.wait();
        }
        let mut writer = self.script.try_clone()?;
        std::thread::scope(|scope| {
            let feeder = scope.spawn(move || writer.write_all(script.as_bytes()));
            let event = self.wait();
            feeder.join().map_err(|_| Error::Library("the feeding thread failed".into()))??;
            event
        })
    }

    /// One call of libtrax's wait; what it gives out is released at once, since only the event is of interest.
    fn wait(&mut self) -> Result<Event, Error> {
        let mut images: *mut sys::trax_image_list = ptr::null_mut();
        let mut objects: *mut sys::trax_object_list = ptr::null_mut();
        // SAFETY: the handle is alive, both results start as null and properties may be null; the script holds a complete
        // request of texts that libtrax's parsers take.
        let code =
            unsafe { sys::trax_server_wait_mot(self.raw.as_ptr(), &raw mut images, &raw mut objects, ptr::null_mut()) };
        if !images.is_null() {
            // SAFETY: libtrax gave the list away; first its images go, then itself.
            unsafe {
                sys::trax_image_list_clear(images);
                sys::trax_image_list_release(&raw mut images);
            }
        }
        // SAFETY: the list is null or was given away by libtrax; releasing null does nothing.
        unsafe { sys::trax_object_list_release(&raw mut objects) };
        match code.cast_unsigned() {
            sys::TRAX_INITIALIZE => Ok(Event::Initialize),
            sys::TRAX_FRAME => Ok(Event::Frame),
            sys::TRAX_QUIT => Ok(Event::Quit),
            _ => Err(self.error("a request was refused")),
        }
    }

    /// The bytes of a reply: one region with properties for each object.
    pub(crate) fn reply<'a>(
        &mut self,
        objects: impl ExactSizeIterator<Item = (&'a Region, &'a Properties)> + Clone,
    ) -> Result<Vec<u8>, Error> {
        let bound = objects.clone().map(|(region, properties)| text_bound(region) + properties_bound(properties)).sum();
        let list = ObjectList::new(objects).ok_or_else(|| Error::Library("a region could not be built".into()))?;
        let (code, bytes) = collect(&self.written, &self.output, bound, || {
            // SAFETY: the handle and the list are alive; libtrax only reads the list.
            unsafe { sys::trax_server_reply_mot(self.raw.as_ptr(), list.as_ptr()) }
        })?;
        if code == sys::TRAX_OK as i32 { Ok(bytes) } else { Err(self.error("a reply was refused")) }
    }

    /// The bytes of a farewell; none if the session has ended already.
    pub(crate) fn terminate(&mut self, reason: Option<&str>) -> Result<Vec<u8>, Error> {
        let reason = reason.map(c_string);
        let bound = 256 + reason.as_ref().map_or(0, |text| text.as_bytes().len() * 2);
        let (_, bytes) = collect(&self.written, &self.output, bound, || {
            let reason = reason.as_ref().map_or(ptr::null(), |text| text.as_ptr());
            // SAFETY: the handle is alive; the reason is null or ends in a zero byte.
            unsafe { sys::trax_terminate(self.raw.as_ptr(), reason) }
        })?;
        Ok(bytes)
    }

    /// Why the last call failed, in libtrax's words where it has any.
    fn error(&self, otherwise: &str) -> Error {
        // SAFETY: the handle is alive; the text is null or stays until the next call, and it is copied here.
        let text = unsafe {
            let text = sys::trax_get_error(self.raw.as_ptr());
            (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
        };
        Error::Library(text.unwrap_or_else(|| otherwise.to_owned()))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let mut raw = self.raw.as_ptr();
        // A farewell that was not asked for goes into the pipe and is lost with it.
        // SAFETY: the handle came from libtrax, both descriptors are still open, and it is not used afterwards.
        unsafe { sys::trax_cleanup(&raw mut raw) };
    }
}

/// Runs a call of libtrax and collects what it writes, `bound` bytes at most; a thread reads along where a pipe would overflow.
fn collect<T>(
    mut written: &PipeReader,
    mut output: &PipeWriter,
    bound: usize,
    call: impl FnOnce() -> T,
) -> Result<(T, Vec<u8>), Error> {
    let mut bytes = Vec::with_capacity(bound.min(1 << 20));
    let mut read = || -> Result<(), Error> {
        let mut chunk = [0; PIPE_BYTES];
        while bytes.last() != Some(&END) {
            let count = written.read(&mut chunk)?;
            bytes.extend_from_slice(&chunk[..count]);
        }
        bytes.pop();
        Ok(())
    };
    let result = if bound < PIPE_BYTES {
        let result = call();
        output.write_all(&[END])?;
        read()?;
        result
    } else {
        std::thread::scope(|scope| {
            let reader = scope.spawn(read);
            let result = call();
            output.write_all(&[END])?;
            reader.join().map_err(|_| Error::Library("the reading thread failed".into()))?.map(|()| result)
        })?
    };
    Ok((result, bytes))
}

/// At least as many bytes as a region's message takes without its properties.
fn text_bound(region: &Region) -> usize {
    // The longest finite float has 40 digits before its four decimals.
    const NUMBER: usize = 48;
    64 + match region {
        Region::Special(_) => NUMBER,
        Region::Rectangle(_) => 4 * NUMBER,
        Region::Polygon(polygon) => 2 * NUMBER * polygon.points().len(),
        Region::Mask(mask) => 4 * NUMBER + 2 * mask.data().len(),
    }
}
