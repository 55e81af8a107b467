//! Any order of calls, some of which cannot be sent: client and server agree on the objects and
//! their order.

#![no_main]

use std::convert::Infallible;
use std::io::pipe;
use std::thread;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use trax::{
    Client, ClientOptions, Error, Image, Images, Limits, Metadata, Object, Properties, Region, Server, Status, Handler,
    Transport, run,
};

/// Answers every frame with the regions that it was given.
#[derive(Default)]
struct Still(Vec<Status>);

impl Handler for Still {
    type Error = Infallible;

    fn initialize(&mut self, images: Images, objects: Vec<Object>, p: Properties) -> Result<Vec<Status>, Infallible> {
        self.0.clear();
        self.frame(images, objects, p)
    }

    fn frame(&mut self, _: Images, added: Vec<Object>, _: Properties) -> Result<Vec<Status>, Infallible> {
        self.0.extend(added.into_iter().map(|object| Status { region: object.region, properties: object.properties }));
        Ok(self.0.clone())
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((&mode, calls)) = data.split_first() else { return };
    let multi_object = mode & 1 == 1;
    let (requests, answers) = (pipe().expect("a pipe"), pipe().expect("a pipe"));
    let server = thread::spawn(move || {
        let transport = Transport::from_streams(requests.0, answers.1);
        let metadata = Metadata::new("still").multi_object(multi_object);
        let mut server = Server::new(&metadata, transport, Limits::default()).expect("an introduction");
        run(&mut server, &mut Still::default()).expect("a regular end");
    });
    let options = ClientOptions::default().timeout(Duration::MAX);
    let mut client = Client::new(Transport::from_streams(answers.0, requests.1), options).expect("an introduction");

    let (shown, hidden) = (Images::color(Image::Path("/1.jpg".into())), Images::default());
    let mut tracked: Vec<Region> = Vec::new();
    let mut ended = false;
    for (index, call) in calls.iter().take(64).enumerate() {
        let images = if call & 1 == 0 { &shown } else { &hidden };
        let count = usize::from(call >> 1 & 3);
        let mut objects: Vec<Object> =
            (0..count).map(|other| Object::new(Region::rectangle(index as f32, other as f32, 3.0, 4.0))).collect();
        if call & 8 != 0 {
            objects.push(Object::new(Region::Special(1)));
        }
        let sendable = call & 9 == 0 && !ended;
        match call >> 4 & 7 {
            0 => {
                client.quit(None).expect("a farewell");
                ended = true;
            }
            1..=3 => {
                let result = client.initialize(images, &objects, &Properties::new());
                let fits = count == 1 || (multi_object && count > 0);
                assert_eq!(result.is_ok(), sendable && fits, "{result:?}");
                assert!(!ended || matches!(result, Err(Error::Terminated)), "{result:?}");
                if let Ok(statuses) = result {
                    tracked = objects.into_iter().map(|object| object.region).collect();
                    assert!(statuses.iter().map(|status| &status.region).eq(&tracked));
                }
            }
            _ => {
                let result = client.frame(images, &objects, &Properties::new());
                let fits = !tracked.is_empty() && (count == 0 || multi_object);
                assert_eq!(result.is_ok(), sendable && fits, "{result:?}");
                if let Ok(statuses) = result {
                    tracked.extend(objects.into_iter().map(|object| object.region));
                    assert!(statuses.iter().map(|status| &status.region).eq(&tracked));
                }
            }
        }
        assert_eq!(client.objects(), tracked.len());
    }
    drop(client);
    server.join().expect("a server that does not panic");
});
