import SystemPackage
import VolumeCore

extension KernelCalls {
    /// Opens a device: nothing else gets its path before it is released.
    /// - Throws: `VolumeError`, as `runOnDevice` does.
    func hold(_ device: String) async throws -> HeldDevice {
        try await runOnDevice("open \(device)", to: "hold \(device)") {
            let file = try FileDescriptor.open(device, .readOnly, options: [.closeOnExec, .nonBlocking])
            // Made here: what comes after the caller has given up is closed by that.
            return HeldDevice {
                await close(file, of: device)
            } givenUp: {
                Task.detached { await close(file, of: device) }
            }
        }
    }

    /// On a thread for calls that hang, and although the operation's time may be up: else the device could not be given back.
    private func close(_ file: FileDescriptor, of device: String) async {
        let call = "close \(device) (\(file.rawValue))"
        _ = try? await Task.detached {
            try await runOnDevice(call, to: "let go of \(device)") { try file.close() }
        }.value
    }
}
