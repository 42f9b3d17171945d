//! Whether the number of objects matters.

use std::sync::atomic::{AtomicUsize, Ordering};

use keybridge_kmip::attributes::UniqueIdentifier;
use keybridge_kmip::operations::ResponsePayload;
use keybridge_tests::Bridge;

use super::requests;
use super::wire::{Place, client_config, exchange, payloads};
use crate::clock;

/// Creates in one message, and connections that make them.
const BATCH: usize = 100;
const MAKERS: usize = 16;

/// Get and Locate by name, in microseconds a request on one connection, with so many objects in the store.
pub(crate) fn measure(counts: &[usize]) {
    let bridge = Bridge::serving();
    let config = client_config(&bridge.client_files());
    let server = Place {
        config: &config,
        port: bridge.port,
    };
    println!("\nKMIP by number of objects, microseconds a request");
    println!("{:>12}{:>10}{:>18}", "objects", "Get", "Locate by name");
    let made = AtomicUsize::new(0);
    for count in counts {
        make(&server, &made, *count);
        let mut stream = server.connect();
        // Objects all over the store, so that most are not in memory yet.
        let names = (0..500).map(|number| name(number * (count / 500).max(1) % count));
        let names: Vec<String> = names.collect();
        let mut keys = Vec::new();
        let mut next = names.iter().cycle();
        let locate = clock::median_microseconds(names.len(), || {
            let name = next.next().expect("a name");
            let answer = exchange(&mut stream, &requests::locate(name));
            let payload = payloads("Locate", &answer).pop();
            let Some(ResponsePayload::Locate(located)) = payload else {
                panic!("not the answer of Locate")
            };
            assert_eq!(located.unique_identifiers.len(), 1, "{name}");
            keys.extend(located.unique_identifiers);
        });
        let mut next = keys.iter().cycle();
        let get = clock::median_microseconds(keys.len(), || {
            let key: &UniqueIdentifier = next.next().expect("a key");
            payloads("Get", &exchange(&mut stream, &requests::get(key)));
        });
        println!("{count:>12}{get:>10.1}{locate:>18.1}");
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
