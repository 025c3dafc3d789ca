import VolumeCore

/// Whether a device can be written to, as the kernel has it.
struct DeviceAccess: Sendable {
    let kernel: KernelCalls
    var sys = "/sys"

    func isReadOnly(_ path: String) async throws -> Bool {
        let what = "find out whether \(path) can be written to"
        let isReadOnly = try await kernel.run("read /sys/block", to: what) { [sys] in
            try BlockDevice(path, sys: sys).isReadOnly()
        }
        guard let isReadOnly else {
            throw VolumeError(.notFound, what, why: "there is no such device", outcome: .refused)
        }
        return isReadOnly
    }
}
