import Glibc
import Synchronization

/// Reaps children that this process did not start.
///
/// Daemons leave the process that started them, and the first process of their namespace becomes their parent. In a
/// managed plugin that is the plugin: each mapping with `fuse` or `nbd` would leave zombies behind for as long as it
/// runs. Children that the plugin started itself are left alone: their exit status is waited for.
public enum AdoptedChildren {
    private static let ledger = Mutex(ChildLedger())

    /// Whether orphans of this process's namespace become its children.
    public static var isAdopter: Bool { getpid() == 1 }

    /// Reaps what has ended so far.
    public static func reap() {
        guard anyHasEnded else { return }
        let zombies = ProcessTable.zombies(of: getpid())
        ledger.withLock { ledger in
            for pid in ledger.adopted(among: zombies) { waitpid(pid, nil, WNOHANG) }
        }
    }

    /// Keeps a child from being reaped here, from before its start until `body` has waited for it.
    /// - Parameter body: calls what it is given with the child's number as soon as it knows it.
    static func excepting<Result>(_ body: (@escaping @Sendable (pid_t) -> Void) async throws -> Result) async rethrows
        -> Result
    {
        let ticket = ledger.withLock { $0.begin() }
        defer { ledger.withLock { $0.ended(ticket) } }
        return try await body { pid in ledger.withLock { $0.started(ticket, as: pid) } }
    }

    /// One call of the kernel, so that looking often costs nothing.
    private static var anyHasEnded: Bool {
        var info = siginfo_t()
        return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_signo != 0
    }
}
