//! Many threads at one store.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{Scratch, object_row};
use crate::error::Error;
use crate::store::{Changes, Store, read, write};

#[test]
fn every_acknowledged_write_is_there_and_every_failed_one_is_not() {
    let scratch = Scratch::new();
    let start = read(&scratch.store, |reader| reader.change_number()).unwrap();
    let written = AtomicUsize::new(0);
    thread::scope(|scope| {
        for thread in 0..8 {
            let (scratch, written) = (&scratch, &written);
            scope.spawn(move || {
                for number in 0..25 {
                    let row = object_row(scratch.account, &format!("{thread}-{number}"));
                    let fails = (thread + number) % 4 == 0;
                    let result = write(&scratch.store, |transaction| {
                        transaction.put_object(&row)?;
                        if fails {
                            return Err(Error::InvalidRequest("on purpose".into()));
                        }
                        Ok(())
                    });
                    let found = read(&scratch.store, |reader| reader.object(row.id)).unwrap();
                    assert_eq!(result.is_err(), fails);
                    assert_eq!(found.is_none(), fails);
                    written.fetch_add(usize::from(!fails), Ordering::Relaxed);
                }
            });
        }
    });
    let written = u64::try_from(written.into_inner()).unwrap();
    let account = scratch.account;
    let (count, number) = read(&scratch.second(), |reader| {
        Ok((reader.object_count(account)?, reader.change_number()?))
    })
    .unwrap();
    assert_eq!(count, written);
    assert_eq!(number, start + written);
}

#[test]
fn a_panic_in_a_job_rolls_it_back_and_harms_nobody() {
    let scratch = Scratch::new();
    let lost = object_row(scratch.account, "lost");
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _ = write(&scratch.store, |transaction| -> crate::Result<()> {
            transaction.put_object(&lost)?;
            panic!("on purpose");
        });
    }));
    assert!(panicked.is_err());
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _ = read(&scratch.store, |_| -> crate::Result<()> {
            panic!("on purpose")
        });
    }));
    assert!(panicked.is_err());
    let kept = object_row(scratch.account, "kept");
    write(&scratch.store, |transaction| transaction.put_object(&kept)).unwrap();
    read(&scratch.store, |reader| {
        assert_eq!(reader.object(lost.id)?, None);
        assert!(reader.object(kept.id)?.is_some());
        Ok(())
    })
    .unwrap();
}

#[test]
fn nobody_believes_an_old_state_to_be_current() {
    let scratch = Scratch::new();
    let stores = [scratch.second(), scratch.second()];
    // The value that the last finished write has put there.
    let finished = AtomicUsize::new(0);
    write(&scratch.store, |transaction| {
        transaction.put_meta("value", &[0])
    })
    .unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            for value in 1..=200_usize {
                write(&scratch.store, |transaction| {
                    transaction.touch(crate::store::Change::Alias)?;
                    transaction.put_meta("value", &[u8::try_from(value).unwrap()])
                })
                .unwrap();
                finished.store(value, Ordering::SeqCst);
            }
        });
        for store in &stores {
            let finished = &finished;
            scope.spawn(move || {
                let (mut seen, mut cached) = (0, 0);
                while cached < 200 {
                    let least = finished.load(Ordering::SeqCst);
                    if !store.is_current(seen) {
                        let (Changes::Known(number, _) | Changes::Everything(number)) =
                            store.changes_since(seen).unwrap();
                        seen = number;
                        cached = usize::from(
                            read(store, |reader| reader.meta("value")).unwrap().unwrap()[0],
                        );
                    }
                    assert!(cached >= least, "{cached} is older than {least}");
                }
            });
        }
    });
}

#[test]
fn a_write_inside_a_write_is_refused_rather_than_waited_for() {
    let scratch = Scratch::new();
    let other = Scratch::new();
    write(&scratch.store, |transaction| {
        let inner = write(&scratch.store, |inner| inner.put_meta("inner", b""));
        assert!(matches!(inner, Err(Error::Internal(_))));
        write(&other.store, |inner| inner.put_meta("inner", b""))?;
        transaction.put_meta("outer", b"")
    })
    .unwrap();
    write(&scratch.store, |transaction| {
        transaction.put_meta("after", b"")
    })
    .unwrap();
    read(&scratch.store, |reader| {
        assert!(reader.meta("outer")?.is_some() && reader.meta("after")?.is_some());
        Ok(())
    })
    .unwrap();
}
