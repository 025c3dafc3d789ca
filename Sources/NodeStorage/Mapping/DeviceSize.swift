import VolumeCore

/// The size of a device as the kernel has it.
struct DeviceSize: Sendable {
    let kernel: KernelCalls
    var sys = "/sys"

    func read(_ path: String) async throws -> VolumeSize {
        let what = "read the size of \(path)"
        let size = try await kernel.run("read /sys/block", to: what) { [sys] in
            try BlockDevice(path, sys: sys).size()
        }
        guard let size else { throw VolumeError(.notFound, what, why: "there is no such device", outcome: .refused) }
        return size
    }

    /// Waits up to 5 s until the device is at least that large, nudging it before each look.
    func wait(
        for size: VolumeSize, _ path: String, _ what: String, nudge: () async throws -> Void = {}
    ) async throws {
        for attempt in 0..<25 {
            if attempt > 0 { try await Task.sleep(for: .milliseconds(200)) }
            try await nudge()
            if try await read(path) >= size { return }
        }
        throw VolumeError(
            .timedOut, what, why: "the device still has \(try await read(path))", remedy: "try again", outcome: .unknown
        )
    }
}
