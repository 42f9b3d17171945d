//! KMIP over loopback TLS, beside an echo of the same sizes on the same TLS library with the same
//! certificates. Requests are encoded once; what is measured is the server and the wire.

pub(crate) mod echo;
mod objects;
mod peer;
mod requests;
mod wire;

use keybridge_tests::Bridge;

use crate::clock;
use crate::direct;
use echo::Echo;
use wire::{Place, client_config, exchange, payloads};

const ROUNDS: usize = 7;

pub(crate) use objects::measure as by_objects;

/// Measures and prints.
pub(crate) fn measure() {
    let bridge = Bridge::serving();
    let config = client_config(&bridge.client_files());
    let at = |port| Place {
        config: &config,
        port,
    };
    let server = at(bridge.port);
    println!("\nKMIP over TLS 1.3 on loopback, requests a second");
    println!(
        "{:<28}{:>10}{:>9}{:>12}{:>12}{:>8}",
        "", "sizes", "clients", "TLS echo", "keybridge", "ratio"
    );
    let mut rsa = 0.0;
    for (name, request) in requests::uses(&bridge) {
        let answer = exchange(&mut server.connect(), &request);
        payloads(name, &answer);
        let echo = Echo::start(&bridge, request.len(), answer.len());
        for clients in [1, 8] {
            let (base, own) = beside(&at(echo.port), &server, &request, clients);
            println!(
                "{name:<28}{:>10}{clients:>9}{base:>12.0}{own:>12.0}{:>8.2}",
                format!("{}/{}", request.len(), answer.len()),
                own / base
            );
            if name == requests::SIGN_RSA {
                rsa = own;
            }
        }
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let direct = clock::rates([&mut || {
        clock::round_of_threads(&mut vec![(); cores], |()| direct::rsa_2048_sign())
    }])[0];
    println!(
        "RSA-2048 directly, in {cores} threads and without clients: {direct:.0}; the server's part of it: {:.2}",
        rsa / direct
    );
    println!("\nKMIP Create of an AES-256 key, durable, requests a second");
    for clients in [1, 8, 64] {
        let rounds = (0..ROUNDS).map(|_| server.rate(&requests::create(&[]), clients));
        println!(
            "{clients:>9} clients{:>12.0}",
            clock::median(rounds.collect())
        );
    }
    peer::measure(&bridge, &server);
}

/// Requests a second of two servers, in turns, so that whatever else the machine does falls on both.
fn beside(one: &Place<'_>, other: &Place<'_>, request: &[u8], clients: usize) -> (f64, f64) {
    let round = |_| (one.rate(request, clients), other.rate(request, clients));
    let (one, other) = (0..ROUNDS).map(round).unzip();
    (clock::median(one), clock::median(other))
}
