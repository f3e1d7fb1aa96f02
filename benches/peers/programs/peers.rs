//! Everything but the counting of allocations, on the system's allocator as it is.

fn main() -> std::process::ExitCode {
    peers::main()
}
