import Glibc
import SystemPackage

/// A process by number and start: the number alone may be another process's by now.
struct ProcessIdentity: Sendable, Hashable, Codable {
    var pid: Int32
    /// Clock ticks since boot (field 22 of `/proc/<pid>/stat`).
    var started: UInt64
}

/// What `/proc` says about processes. All calls block for a moment: use them inside `KernelCalls.run`.
enum ProcessTable {
    static func pids() throws -> [Int32] { try SystemCall.names(in: "/proc").compactMap(Int32.init) }

    /// The process as it runs now; `nil` when there is none, or only its zombie.
    static func identity(of pid: Int32) -> ProcessIdentity? {
        guard let line = try? SmallFile.line("/proc/\(pid)/stat"), let started = startTime(in: line) else { return nil }
        return ProcessIdentity(pid: pid, started: started)
    }

    static func isRunning(_ process: ProcessIdentity) -> Bool { identity(of: process.pid) == process }

    /// The start time in a line of `/proc/<pid>/stat`; `nil` for a zombie.
    static func startTime(in line: String) -> UInt64? {
        // The second field is the program's name in parentheses, and may itself contain blanks and parentheses.
        guard let end = line.lastIndex(of: ")") else { return nil }
        let fields = line[line.index(after: end)...].split(separator: " ")
        guard fields.count > 19, fields[0] != "Z", fields[0] != "X" else { return nil }
        return UInt64(fields[19])
    }

    /// The children of that process that have ended and that it has not waited for.
    static func zombies(of parent: Int32) -> Set<Int32> {
        let pids = (try? pids()) ?? []
        return Set(
            pids.filter { pid in
                ((try? SmallFile.line("/proc/\(pid)/stat")) ?? nil).map { isZombie($0, of: parent) } ?? false
            })
    }

    /// Whether a line of `/proc/<pid>/stat` is that of a child that has ended.
    static func isZombie(_ line: String, of parent: Int32) -> Bool {
        guard let end = line.lastIndex(of: ")") else { return false }
        let fields = line[line.index(after: end)...].split(separator: " ")
        return fields.count > 1 && fields[0] == "Z" && Int32(fields[1]) == parent
    }

    /// The argument array; empty when the process is gone.
    static func arguments(of pid: Int32) -> [String] {
        guard let bytes = try? SmallFile.bytes(of: "/proc/\(pid)/cmdline", limit: 64 << 10) else { return [] }
        return bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast().map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    /// The program's name, for people.
    static func name(of pid: Int32) -> String { ((try? SmallFile.line("/proc/\(pid)/comm")) ?? nil) ?? "?" }
}
