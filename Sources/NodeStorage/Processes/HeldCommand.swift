import Glibc
import Synchronization
import VolumeCore

/// A companion program that has done the first half of its request, and does the second when it is released. It is not ended by
/// force: that would leave the first half done. It knows by itself when the time is up.
public protocol HeldCommand: Sendable {
    /// Has it do the rest.
    /// - Returns: how it ended.
    /// - Throws: `VolumeError` with code `timedOut` when it has not ended within `limit`: it may wait in the kernel.
    func release(within limit: Duration) async throws -> CommandResult
}

/// The companion has ended before the first half of its request was done.
public struct BrokenOff: Error {
    public let result: CommandResult

    public init(result: CommandResult) { self.result = result }
}

/// The real one.
struct HeldChild: HeldCommand {
    private static let look = Duration.milliseconds(2)

    let child: WaitingChild
    let what: String
    private let ending: Task<CommandResult, any Error>

    init(_ child: WaitingChild, doing request: [UInt8], to what: String) {
        self.child = child
        self.what = what
        ending = Task.detached { try await child.fulfil(request) }
    }

    /// Waits until the first half is done.
    /// - Throws: `BrokenOff` when it has ended before that; `VolumeError` with code `timedOut` when the time is up or the task is
    ///   cancelled: then it undoes its first half as soon as it is done.
    func firstHalf(within limit: Duration, of tool: Tool) async throws {
        let end = ContinuousClock.now + limit
        while !child.hasSpoken() {
            if child.handle.isClosed {
                throw BrokenOff(result: try await ending.value)
            }
            do {
                guard ContinuousClock.now < end else {
                    throw VolumeError.stuck(what, "\(tool.name) was not ready within \(limit.inWords)")
                }
                try await Task.sleep(for: Self.look)
            } catch {
                child.hangUp()
                throw error as? VolumeError
                    ?? VolumeError.stuck(what, "the call was cancelled before \(tool.name) was ready")
            }
        }
    }

    func release(within limit: Duration) async throws -> CommandResult {
        child.hangUp()
        guard await child.handle.isClosed(within: limit) else {
            throw VolumeError.stuck(what, "\(Tool.kernel.name) did not end within \(limit.inWords)")
        }
        return try await ending.value
    }
}
