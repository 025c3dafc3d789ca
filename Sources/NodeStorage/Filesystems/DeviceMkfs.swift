import VolumeCore

/// Runs mkfs on a device, in an empty folder of its own: a relative name among the user's words leads nowhere.
struct DeviceMkfs: Sendable {
    let runner: any CommandRunner
    let kernel: KernelCalls
    /// The folder that the folders are made in.
    let root: String

    func run(on device: String, _ spec: VolumeSpec, to what: String) async throws {
        let mkfs = try await MkfsCommand(spec.filesystem, size: spec.size, words: spec.mkfsOptions)
            .restrained(by: runner, to: what)
        let folder = try await ScratchFile.make(below: root, kernel: kernel, to: what)
        do {
            let command = Command(mkfs.tool, mkfs.options + [device], folder: folder.path)
            try await runner.succeed(command.keeping(mkfs.capabilities).apart(kernel, to: what), to: what)
            await folder.remove()
        } catch {
            await folder.remove()
            throw error
        }
    }
}
