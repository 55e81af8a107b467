//! Any bytes from a tracker, to the client.

#![no_main]

use std::io;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use trax::{Client, ClientOptions, Error, Image, Images, Limits, Object, Properties, Region, Transport};

fuzz_target!(|data: &[u8]| {
    let limits = Limits::default().mask_pixels(1 << 16);
    // A limit takes two threads, which under the sanitizers take longer than everything else, so it
    // is rare.
    let timeout = if data.len() % 64 == 63 { Duration::from_secs(5) } else { Duration::MAX };
    let options = ClientOptions::default().timeout(timeout).limits(limits);
    let transport = Transport::from_streams(io::Cursor::new(data.to_vec()), io::sink());
    let Ok(mut client) = Client::new(transport, options) else { return };
    let images = Images::color(Image::Path("/a.png".into()));
    let object = Object::new(Region::rectangle(1.0, 2.0, 3.0, 4.0));
    let mut answer = client.initialize(&images, std::slice::from_ref(&object), &Properties::new());
    let error = loop {
        match answer {
            Ok(statuses) => assert_eq!(statuses.len(), 1),
            Err(error) => break error,
        }
        answer = client.frame(&images, &[], &Properties::new());
    };
    if client.objects() == 0 {
        // The tracker takes no such region, image or channel: nothing was sent.
        return;
    }
    // What follows in the stream is not taken for an answer any more.
    for later in
        [client.frame(&images, &[], &Properties::new()), client.initialize(&images, &[object], &Properties::new())]
    {
        match error {
            Error::Quit(_) => assert!(matches!(later, Err(Error::Terminated)), "{later:?}"),
            _ => assert!(matches!(later, Err(Error::Poisoned(_))), "{later:?}"),
        }
    }
});
