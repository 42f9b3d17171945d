//! Whether the number of objects matters.

use std::sync::atomic::{AtomicUsize, Ordering};

use keybridge_kmip::attributes::UniqueIdentifier;
use keybridge_kmip::operations::ResponsePayload;
use keybridge_tests::Bridge;

use super::requests;
use super::wire::{Place, Tls, client_config, exchange, payloads};
use crate::clock;

/// Creates in one message, and connections that make them.
const BATCH: usize = 100;
const MAKERS: usize = 16;

/// Objects that are looked at, all over the store.
const LOOKED_AT: usize = 100;

/// Locate by name and Get, in microseconds a request on one connection, with so many objects in the store:
/// of objects that nobody asked for yet, and of the same again.
pub(crate) fn measure(counts: &[usize]) {
    let bridge = Bridge::serving();
    let config = client_config(&bridge.client_files());
    let server = Place {
        config: &config,
        port: bridge.port,
    };
    println!("\nKMIP by number of objects, microseconds a request");
    println!(
        "{:>12}{:>16}{:>12}{:>12}{:>12}",
        "objects", "Locate first", "Get first", "Locate", "Get"
    );
    let made = AtomicUsize::new(0);
    for count in counts {
        make(&server, &made, *count);
        let mut stream = server.connect();
        let names = (0..LOOKED_AT).map(|number| name(number * (count / LOOKED_AT)));
        let names: Vec<String> = names.collect();
        print!("{count:>12}");
        for width in [16, 12] {
            let mut keys = Vec::new();
            let mut next = names.iter();
            let locate = clock::median_microseconds(LOOKED_AT, || {
                let name = next.next().expect("a name");
                keys.push(located(&mut stream, name));
            });
            let mut next = keys.iter();
            let get = clock::median_microseconds(LOOKED_AT, || {
                let key = next.next().expect("a key");
                payloads("Get", &exchange(&mut stream, &requests::get(key)));
            });
            print!("{locate:>width$.1}{get:>12.1}");
        }
        println!();
    }
}

/// The one object of a name.
fn located(stream: &mut Tls, name: &str) -> UniqueIdentifier {
    let answer = exchange(stream, &requests::locate(name));
    match payloads("Locate", &answer).pop() {
        Some(ResponsePayload::Locate(mut located)) if located.unique_identifiers.len() == 1 => {
            located.unique_identifiers.remove(0)
        }
        other => panic!("{name}: {other:?}"),
    }
}

fn name(number: usize) -> String {
    format!("object-{number}")
}

/// Makes objects until there are `count`.
fn make(server: &Place<'_>, made: &AtomicUsize, count: usize) {
    eprintln!("making {} objects", count - made.load(Ordering::Relaxed));
    std::thread::scope(|scope| {
        for _ in 0..MAKERS {
            scope.spawn(|| {
                let mut stream = server.connect();
                loop {
                    let first = made.fetch_add(BATCH, Ordering::Relaxed);
                    let names: Vec<String> = (first..count.min(first + BATCH)).map(name).collect();
                    if names.is_empty() {
                        break;
                    }
                    let answer = exchange(&mut stream, &requests::create(&names));
                    assert_eq!(payloads("Create", &answer).len(), names.len());
                }
            });
        }
    });
    made.store(count, Ordering::Relaxed);
}
