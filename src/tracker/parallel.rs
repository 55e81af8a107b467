//! Work shared among threads, each of which runs libtorch's operators alone.
//!
//! libtorch's own threads meet at the end of every operator, and where another program has taken one of the cores all of
//! them wait for it, hundreds of times a frame. Threads that each take whole chunks of crops meet once.

use std::sync::{Mutex, PoisonError};
use std::thread;

use super::profile::{self, Stage};

/// Applies `work` to every item, on up to `threads` threads; results are in the order of the items.
///
/// Items are taken one after the other as threads become free. A panic in `work` goes on in the caller.
pub(super) fn map<T: Send, R: Send>(threads: usize, items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    if threads <= 1 || items.len() <= 1 {
        return items.into_iter().map(work).collect();
    }
    let helpers = threads.min(items.len()) - 1;
    let queue = Mutex::new(items.into_iter().enumerate());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let run = || {
        let mut done = Vec::new();
        while let Some((place, item)) = next() {
            done.push((place, work(item)));
        }
        done
    };
    let mut done = thread::scope(|scope| {
        let helper = |place: usize| {
            profile::set_lane(place as u32 + 1);
            // Each thread has a setting of its own, which starts at one thread for each core.
            tch::set_num_threads(1);
            run()
        };
        let helpers: Vec<_> = (0..helpers).map(|place| scope.spawn(move || helper(place))).collect();
        let mut done = run();
        let _waiting = profile::span(Stage::Waiting);
        for helper in helpers {
            done.extend(helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_keep_the_order_of_the_items() {
        for threads in [1, 2, 7] {
            let squares = super::map(threads, (0..50).collect(), |i: i32| i * i);
            assert_eq!(squares, (0..50).map(|i| i * i).collect::<Vec<_>>());
        }
    }
}
