//! One PKCS#11 module in this process. `cryptoki` asks for the length first, so every signature is
//! three calls, as in most programs.

use std::path::Path;
use std::time::Instant;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::object::Attribute;
use cryptoki::session::Session;
use keybridge_tests::loaded::Loaded;
use serde_json::{Map, Value};

use crate::clock;
use crate::operations::{Keys, OPERATIONS, make_aes};

/// The argument that tells this program that it is the process of one module.
pub(crate) const MODE: &str = "--one-module";

/// Threads of the columns with several.
pub(crate) const THREADS: [usize; 2] = [2, 8];

/// What is measured by the number of keys in the token.
pub(crate) const BY_KEYS: [&str; 5] = [
    "C_FindObjects by label",
    "C_FindObjects by CKA_ID",
    "C_GenerateKey in the token",
    "C_OpenSession, C_CloseSession",
    "C_Initialize",
];

/// The name of a result with so many keys or threads.
pub(crate) fn with(name: &str, count: usize, of: &str) -> String {
    format!("{name}, {count} {of}")
}

/// Measures and prints JSON.
pub(crate) fn measure(args: &[String]) {
    let [module, label, pin, counts @ ..] = args else {
        panic!("MODULE LABEL PIN COUNT...")
    };
    let module = Path::new(module);
    let mut results = Map::new();
    let mut made = 0;
    for count in counts {
        let count: usize = count.parse().expect("a number of keys");
        let loaded = Loaded::open(module, label).expect("the module");
        let session = loaded.session(pin).expect("a session");
        if made == 0 {
            operations(&loaded, &session, pin, &mut results);
        }
        eprintln!("making {} keys", count - made);
        make_keys(&loaded, pin, made..count);
        made = count;
        let opening = clock::median_microseconds(500, || {
            loaded.session(pin).expect("a session");
        });
        let by_keys = [
            find(&session, &Attribute::Label("key-7".into())),
            find(&session, &Attribute::Id(b"id-7".to_vec())),
            create(&session),
            opening,
        ];
        drop(session);
        loaded.close().expect("C_Finalize");
        let by_keys = by_keys.into_iter().chain([initialize(module)]);
        for (name, time) in BY_KEYS.iter().zip(by_keys) {
            results.insert(with(name, count, "keys"), time.into());
        }
    }
    println!("{}", Value::Object(results));
}

/// The operations, with one thread and with several, in turns with the primitive alone.
fn operations(loaded: &Loaded, session: &Session, pin: &str, results: &mut Map<String, Value>) {
    let keys = Keys::make(session);
    let most = THREADS.into_iter().max().unwrap_or(1);
    let mut seats: Vec<Session> = (0..most)
        .map(|_| loaded.session(pin).expect("a session"))
        .collect();
    for operation in OPERATIONS {
        eprintln!("{}", operation.name);
        let mut one = (operation.module)(session, keys);
        let rate = match operation.direct.map(|direct| direct()) {
            Some(mut direct) => {
                let [direct, rate] = clock::rates([&mut || clock::round(&mut direct), &mut || {
                    clock::round(&mut one)
                }]);
                results.insert(format!("{}, direct", operation.name), direct.into());
                rate
            }
            None => clock::rates([&mut || clock::round(&mut one)])[0],
        };
        results.insert(operation.name.to_owned(), rate.into());
        for threads in THREADS {
            let seats = &mut seats[..threads];
            let [single, many] = clock::rates([&mut || clock::round(&mut one), &mut || {
                clock::round_of_threads(seats, |seat| (operation.module)(seat, keys))
            }]);
            let times = many / single;
            results.insert(with(operation.name, threads, "threads"), times.into());
        }
    }
}

/// Makes many keys from several threads, as each waits for the disk.
fn make_keys(loaded: &Loaded, pin: &str, numbers: std::ops::Range<usize>) {
    const MAKERS: usize = 16;
    std::thread::scope(|scope| {
        for maker in 0..MAKERS {
            let session = loaded.session(pin).expect("a session");
            let numbers = numbers.clone();
            scope.spawn(move || {
                for number in numbers.skip(maker).step_by(MAKERS) {
                    let key = make_aes(&session, &format!("key-{number}"), true);
                    let id = Attribute::Id(format!("id-{number}").into_bytes());
                    if number == 7 {
                        session.update_attributes(key, &[id]).expect("CKA_ID");
                    }
                }
            });
        }
    });
}

fn find(session: &Session, what: &Attribute) -> f64 {
    clock::median_microseconds(200, || {
        let found = session
            .find_objects(std::slice::from_ref(what))
            .expect("a search");
        assert_eq!(found.len(), 1);
    })
}

/// Makes keys in the token, one after the other, and takes them away again.
fn create(session: &Session) -> f64 {
    let mut made = Vec::new();
    let time = clock::median_microseconds(100, || made.push(make_aes(session, "extra", true)));
    for key in made {
        session.destroy_object(key).expect("C_DestroyObject");
    }
    time
}

/// C_Initialize alone; the library stays loaded all the time.
fn initialize(module: &Path) -> f64 {
    let library = Pkcs11::new(module).expect("the module");
    let mut context = Some(library);
    let times = (0..20)
        .map(|_| {
            let fresh = Pkcs11::new(module).expect("the module");
            drop(context.take());
            let start = Instant::now();
            fresh
                .initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))
                .expect("C_Initialize");
            let time = start.elapsed();
            context = Some(Pkcs11::new(module).expect("the module"));
            fresh.finalize().expect("C_Finalize");
            time.as_secs_f64() * 1e6
        })
        .collect();
    clock::median(times)
}
