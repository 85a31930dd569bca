//! What the kernel says of a running process: CPU time and memory.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// CPU time of a process at one moment, in the two forms that the kernel keeps.
///
/// The sum over threads is exact to the nanosecond but forgets threads that ended; the process total forgets nothing
/// but counts in ticks of 10 ms. [`CpuTime::since`] takes the better of the two.
#[derive(Debug)]
pub(crate) struct CpuTime {
    /// Thread id to nanoseconds run; empty where the kernel keeps no such figure.
    threads: HashMap<u32, u64>,
    /// Nanoseconds run by the threads that do nothing but RSA; they live as long as the process.
    rsa: u64,
    /// User and system ticks of the whole process, ended threads included.
    ticks: u64,
}

impl CpuTime {
    /// Reads the CPU time that the process has used so far.
    pub(crate) fn read(pid: u32) -> Result<Self> {
        let stat_path = format!("/proc/{pid}/stat");
        let stat =
            fs::read_to_string(&stat_path).with_context(|| format!("reading {stat_path}"))?;
        let ticks = stat_ticks(&stat).with_context(|| format!("{stat_path} has no CPU times"))?;
        let (mut threads, mut rsa) = (HashMap::new(), 0);
        for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
            let entry = entry?;
            let Some(thread) = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok())
            else {
                continue;
            };
            // A thread may end between the listing and the reading: the ticks cover it.
            let text = |name| fs::read_to_string(entry.path().join(name)).unwrap_or_default();
            let nanoseconds = text("schedstat")
                .split_whitespace()
                .next()
                .and_then(|n| n.parse().ok());
            if let Some(nanoseconds) = nanoseconds {
                threads.insert(thread, nanoseconds);
            }
            if text("comm").trim_end() == RSA_THREAD {
                let by_ticks = || stat_ticks(&text("stat")).map(|ticks| ticks * TICK_NANOSECONDS);
                rsa += nanoseconds.or_else(by_ticks).unwrap_or_default();
            }
        }
        Ok(Self {
            threads,
            rsa,
            ticks,
        })
    }

    /// CPU time used between an earlier reading of the same process and this one.
    pub(crate) fn since(&self, earlier: &Self) -> Duration {
        let by_threads: u64 = self
            .threads
            .iter()
            .map(|(thread, now)| {
                now.saturating_sub(earlier.threads.get(thread).copied().unwrap_or(0))
            })
            .sum();
        let by_ticks = self.ticks.saturating_sub(earlier.ticks) * TICK_NANOSECONDS;
        // User and system time are each rounded down, at both ends: the totals may differ by two ticks without a thread lost.
        let nanoseconds =
            if by_threads + 2 * TICK_NANOSECONDS >= by_ticks && !self.threads.is_empty() {
                by_threads
            } else {
                by_ticks
            };
        Duration::from_nanos(nanoseconds)
    }

    /// The part of [`CpuTime::since`] that the threads for RSA used.
    pub(crate) fn rsa_since(&self, earlier: &Self) -> Duration {
        Duration::from_nanos(self.rsa.saturating_sub(earlier.rsa))
    }
}

/// Memory of a process in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Memory {
    /// All resident pages, those of mapped files included.
    pub(crate) resident: u64,
    /// Resident pages of no file: heap and stacks.
    pub(crate) anonymous: u64,
}

impl Memory {
    /// Reads the memory that the process holds now.
    pub(crate) fn read(pid: u32) -> Result<Self> {
        let path = format!("/proc/{pid}/status");
        let status = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
        Self::parse(&status).with_context(|| format!("{path} has no VmRSS and RssAnon"))
    }

    fn parse(status: &str) -> Option<Self> {
        Some(Self {
            resident: status_bytes(status, "VmRSS:")?,
            anonymous: status_bytes(status, "RssAnon:")?,
        })
    }
}

/// Fields 14 and 15 of `/proc/<pid>/stat`, summed. The second field is the program's name in parentheses and may hold spaces.
fn stat_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// One line of `/proc/<pid>/status`, which counts in units of 1024 bytes.
fn status_bytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// The name of the threads on which Kluis does RSA, and nothing else.
const RSA_THREAD: &str = "kluis-rsa";

/// `USER_HZ` is 100 on every architecture that Linux serves with glibc.
const TICK_NANOSECONDS: u64 = 10_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(threads: &[(u32, u64)], ticks: u64) -> CpuTime {
        CpuTime {
            threads: threads.iter().copied().collect(),
            rsa: 0,
            ticks,
        }
    }

    #[test]
    fn stat_is_read_behind_a_name_with_spaces_and_parentheses() {
        let stat = "42 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 31 0 0 20 0 3";
        assert_eq!(stat_ticks(stat), Some(281));
        assert_eq!(stat_ticks("42 (short) S 1"), None);
    }

    #[test]
    fn status_lines_are_bytes() {
        let status = "Name:\tx\nVmRSS:\t    5120 kB\nRssAnon:\t     1024 kB\n";
        assert_eq!(
            Memory::parse(status),
            Some(Memory {
                resident: 5_242_880,
                anonymous: 1_048_576
            })
        );
        assert_eq!(Memory::parse("Name:\tx\n"), None);
    }

    #[test]
    fn threads_that_live_are_summed_to_the_nanosecond() {
        let before = reading(&[(1, 1_000), (2, 5_000)], 0);
        let after = reading(&[(1, 4_000), (2, 6_000), (3, 70)], 1);
        assert_eq!(after.since(&before), Duration::from_nanos(4_070));
    }

    #[test]
    fn a_thread_that_ended_is_covered_by_the_ticks() {
        let before = reading(&[(1, 0), (2, 900_000_000)], 90);
        let after = reading(&[(1, 1_000_000)], 140);
        assert_eq!(after.since(&before), Duration::from_millis(500));
    }

    #[test]
    fn ticks_serve_where_the_kernel_counts_no_threads() {
        assert_eq!(
            reading(&[], 12).since(&reading(&[], 11)),
            Duration::from_millis(10)
        );
    }

    #[test]
    fn a_thread_for_rsa_is_known_by_its_name() {
        let before = CpuTime::read(std::process::id()).expect("a live process has CPU times");
        let measured = std::thread::Builder::new()
            .name(RSA_THREAD.to_owned())
            .spawn(move || {
                let mut sum = 0_u64;
                loop {
                    let now =
                        CpuTime::read(std::process::id()).expect("a live process has CPU times");
                    if now.rsa_since(&before) >= Duration::from_millis(2) {
                        return now.since(&before) >= now.rsa_since(&before);
                    }
                    sum = std::hint::black_box(sum + 1);
                }
            });
        let part_of_all = measured.expect("a thread").join().expect("no panic");
        assert!(part_of_all);
    }

    #[test]
    fn this_very_process_can_be_read() {
        let pid = std::process::id();
        let before = CpuTime::read(pid).expect("a live process has CPU times");
        let mut sum = 0_u64;
        while CpuTime::read(pid)
            .expect("a live process has CPU times")
            .since(&before)
            < Duration::from_millis(5)
        {
            sum = std::hint::black_box(sum + 1);
        }
        let memory = Memory::read(pid).expect("a live process has memory");
        assert!(memory.resident >= memory.anonymous && memory.anonymous > 0);
    }
}
