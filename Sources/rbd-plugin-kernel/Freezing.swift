import CFreeze
import Glibc

/// A filesystem that nobody can write to for a while.
extension OpenedMount {
    /// Freezes the filesystem, says so with a byte into the socket that the request came from, and thaws it again: when the plugin
    /// says so by closing its end, when it has ended, and when the time is up. Whatever becomes of the plugin, nobody who writes
    /// waits longer.
    /// - Parameter limit: in milliseconds, from the moment on from which nobody can write any more.
    /// - Returns: whether it was frozen until the plugin said so.
    func freeze(atMost limit: Int32) throws -> Bool {
        // What is written beforehand nobody has to wait for.
        try Failure.check("write what \(mountpoint) still has to write") { cfreeze_sync(descriptor) }
        let began = Self.now()
        try Failure.check("freeze \(mountpoint)") { cfreeze_freeze(descriptor) }
        let isInTime = Self.waitForPlugin(until: began + Int(limit) * 1_000_000)
        let isFrozen = cfreeze_thaw(descriptor) == 0
        return isInTime && isFrozen
    }

    /// - Returns: whether it was frozen.
    func thaw() throws -> Bool {
        if cfreeze_thaw(descriptor) == 0 { return true }
        guard errno == EINVAL else { throw Failure(what: "thaw \(mountpoint)", code: errno) }
        return false
    }

    private static func waitForPlugin(until end: Int) -> Bool {
        var byte: UInt8 = 1
        guard send(STDIN_FILENO, &byte, 1, CInt(MSG_NOSIGNAL)) == 1 else { return false }
        while true {
            let left = (end - now()) / 1_000_000
            guard left > 0 else { return false }
            var input = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            let count = poll(&input, 1, CInt(clamping: left))
            if count > 0 { return true }
            if count == 0 { return false }
        }
    }
}
