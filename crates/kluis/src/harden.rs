//! What every command does before anything else, since every command may come to hold secrets.

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};

/// Keeps this process's memory from others of the same user: no tracing, no core dump.
///
/// Only the soft core limit falls to zero. A child of `kluis run` inherits it, which is right for a process with secrets in
/// its environment, and can raise it again.
pub(crate) fn process() {
    // Neither call can fail with these arguments on Linux; elsewhere a missing one is no reason to refuse service.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let core = getrlimit(Resource::Core);
    let _ = setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: core.maximum,
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_leaves_no_core() {
        process();
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
        let dumpable = rustix::process::dumpable_behavior().unwrap();
        assert_eq!(dumpable, DumpableBehavior::NotDumpable);
    }
}
