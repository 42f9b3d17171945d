//! Programs that run for months: what they do again and again takes no memory that stays.

use keybridge_tests::Bridge;

/// A million operations are the benchmark's (`cargo bench -p keybridge-tests`); these take seconds.
const OPERATIONS: &str = "40000";

/// What a process may have more at the end than when it was warm: what goes up and down anyway is half
/// of this. A leak of 256 bytes in each operation is more.
const GROWTH_KILOBYTES: u64 = 8 * 1024;

#[test]
fn memory_does_not_grow() {
    let bridge = Bridge::new();
    let token = bridge.token();
    let answer = token
        .command(env!("CARGO_BIN_EXE_token-soak"))
        .arg(&token.module)
        .args([&token.label, &token.pin, OPERATIONS])
        // Blocks of a megabyte go back to the system when they are freed. Else the C library keeps some
        // of those in which PINs are hashed, 19 MiB each; how many is chance on a busy machine.
        .env("MALLOC_MMAP_THRESHOLD_", "1048576")
        .limit(std::time::Duration::from_secs(300))
        .ok()
        .json();
    let kilobytes = |value: &serde_json::Value| value.as_u64().expect("a number");
    let warm = kilobytes(&answer["warm_kilobytes"]);
    let end = kilobytes(&answer["quarters_kilobytes"][3]);
    assert!(end <= warm + GROWTH_KILOBYTES, "{answer}");
}
