import Glibc
import VolumeCore

/// Gives the filesystem of a cloned image a UUID that no other has.
struct FilesystemIdentity: Sendable {
    private static let uuidLength = 16

    let runner: any CommandRunner
    let kernel: KernelCalls

    /// - Throws: `VolumeError` with code `busy` when its log cannot be replayed beside the filesystem that it is a copy of.
    func renew(_ filesystem: FilesystemType, on device: String, to what: String) async throws {
        let commands = filesystem.commands.identity
        var head = try await head(of: device, what)
        if commands.needsReplay(head) {
            try await replay(filesystem, commands, on: device, what)
            head = try await self.head(of: device, what)
        }
        let before = uuid(in: head, commands)
        var features = ""
        if !commands.question.isEmpty {
            let asked = Command(commands.tool, commands.question + [device]).keeping([])
            features = try await runner.succeed(asked.apart(kernel, to: what), to: what).output
        }
        let command = Command(commands.tool, commands.arguments(device, features)).keeping(commands.capabilities)
        let result = try await runner.succeed(command.apart(kernel, to: what), to: what)
        // Some tools end with status 0 whatever has become of it.
        guard uuid(in: try await self.head(of: device, what), commands) != before else {
            throw VolumeError(.unavailable, what, why: "it kept its UUID: \(result.reason(of: commands.tool))")
        }
    }

    private func replay(
        _ filesystem: FilesystemType, _ commands: IdentityCommands, on device: String, _ what: String
    ) async throws {
        let request = MountRequest.replay(
            device, filesystem.rawValue, flags: commands.replayFlags, within: kernel.timeLeft(.seconds(60)))
        let result = try await runner.run(request, to: what)
        if result.succeeded { return }
        let isBesideOther = [EEXIST, EBUSY].contains(result.exitStatus)
        throw VolumeError(
            isBesideOther ? .busy : .unavailable, what,
            why: "its log cannot be replayed: \(result.reason(of: .kernel))",
            remedy: isBesideOther
                ? "the volume that it is made out of is mounted on this node: use a snapshot that was taken while its filesystem"
                    + " was frozen ('rbd-plugin snapshot create'), with '-o from-snapshot'"
                : "")
    }

    private func head(of device: String, _ what: String) async throws -> [UInt8] {
        try await kernel.runOnDevice("read \(device)", to: what) {
            try SmallFile.bytes(of: device, limit: FilesystemSignature.length)
        }
    }

    private func uuid(in head: [UInt8], _ commands: IdentityCommands) -> [UInt8] {
        Array(head.dropFirst(commands.place).prefix(Self.uuidLength))
    }
}
