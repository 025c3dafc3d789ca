import Blocking
import Glibc
import SystemPackage
import VolumeCore

/// Makes a filesystem in a sparse file of an image's size, and lends what mkfs wrote, to be written into the image.
///
/// So mkfs never sees a device: it cannot format the wrong one, no half-formatted device can stay mapped, and the image can
/// be created meanwhile. Only the blocks that hold something are lent, a few MiB for most sizes. What mkfs writes all the
/// same, such as the zeros of a log, is bounded: how much it will be is known before it begins, all together get a part of
/// what is free, and who does not fit waits in line.
public struct SparseImageFormatter: Sendable {
    private let runner: any CommandRunner
    private let kernel: KernelCalls
    private let root: String
    private let timeout: Duration
    private let onDisk: ScratchBudget
    private let inMemory = ScratchBudget { try ScratchRoom.freeMemory() }

    /// - Parameters:
    ///   - stateFolder: `RBD_STATE_DIR`; the file is made below it, and always removed again.
    ///   - timeout: how long mkfs may take.
    public init(
        runner: any CommandRunner, kernel: KernelCalls, stateFolder: String, timeout: Duration = .seconds(20)
    ) {
        self.runner = runner
        self.kernel = kernel
        self.timeout = timeout
        let root = stateFolder + "/format"
        self.root = root
        onDisk = ScratchBudget { try ScratchRoom.free(in: root) }
    }

    /// Makes the filesystem of `spec` (type, mkfs options, object size) for an image of that size, while `body` runs.
    ///
    /// However this ends, mkfs has ended and the scratch file is gone: where `body` fails, mkfs is killed.
    /// - Parameter body: gets what will have to be written. It must not keep that beyond its end.
    /// - Throws: what `body` throws; before that is called, `VolumeError` with code `noSpace` when the scratch file cannot
    ///   have that size, or there is no room for what mkfs writes.
    public func withFilesystem<T: Sendable>(
        size: VolumeSize, spec: VolumeSpec, _ body: (NewFilesystem) async throws -> T
    ) async throws -> T {
        let what = "make a filesystem (\(spec.filesystem.rawValue), \(size))"
        let folder = try await ScratchFile.make(below: root, kernel: kernel, to: what)
        do {
            let content = try await makeContent(in: folder, size: size, what)
            defer { content.close() }
            let room = try await reserve(content, spec, size, what)
            defer { room.giveBack() }
            let scene = Scene(folder: folder, content: content, room: room, size: size, spec: spec, what: what)
            let result = try await makeFilesystem(scene, beside: body)
            await folder.remove()
            return result
        } catch {
            await folder.remove()
            throw error
        }
    }

    /// What one mkfs works with.
    private struct Scene: Sendable {
        let folder: ScratchFile
        let content: ScratchContent
        let room: ScratchReservation
        let size: VolumeSize
        let spec: VolumeSpec
        let what: String
    }

    private func reserve(
        _ content: ScratchContent, _ spec: VolumeSpec, _ size: VolumeSize, _ what: String
    ) async throws -> ScratchReservation {
        try await ScratchReservation.take(
            ScratchEstimate.bytes(spec.filesystem, size: size, words: spec.mkfsOptions),
            of: content.isInMemory ? inMemory : onDisk, within: timeout, kernel: kernel, to: what)
    }

    /// Returns when both have ended, `body` and mkfs.
    private func makeFilesystem<T: Sendable>(
        _ scene: Scene, beside body: (NewFilesystem) async throws -> T
    ) async throws -> T {
        let made = OneShot<FilesystemExtents>()
        return try await withThrowingTaskGroup(of: FileDescriptor?.self) { mkfs in
            mkfs.addTask {
                do {
                    try await runWatched(scene)
                    let file = try await kernel.run("open \(scene.content.path)", to: scene.what) {
                        try scene.content.open()
                    }
                    let extents = FilesystemExtents(
                        file: file, size: scene.size.bytes, chunk: min(4 << 20, 1 << UInt64(scene.spec.order)),
                        kernel: kernel)
                    made.complete(.success(extents))
                    return file
                } catch {
                    made.complete(.failure(error))
                    return nil
                }
            }
            let result: Result<T, any Error>
            do { result = .success(try await body(NewFilesystem(made: made))) } catch { result = .failure(error) }
            mkfs.cancelAll()
            for try await file in mkfs { try? file?.close() }
            return try result.get()
        }
    }

    private func makeContent(in folder: ScratchFile, size: VolumeSize, _ what: String) async throws -> ScratchContent {
        try await kernel.run("ftruncate \(folder.file)", to: what) {
            do {
                return try ScratchContent.make(folder.file, size: size)
            } catch let error as Errno where [.fileTooLarge, .noSpace, .invalidArgument].contains(error) {
                throw VolumeError(
                    .noSpace, what, why: "\(folder.path) cannot hold a sparse file of \(size): \(error)",
                    remedy: "set RBD_STATE_DIR to a folder on a filesystem that can, such as xfs")
            }
        }
    }

    /// Runs mkfs, and ends it when it writes more than there is room for.
    private func runWatched(_ scene: Scene) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await runMkfs(scene) }
            group.addTask { try await watch(scene) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// - Throws: when there is no more room. Else it only ends with its task.
    private func watch(_ scene: Scene) async throws {
        while true {
            try await Task.sleep(for: .milliseconds(20))
            let taken: UInt64
            do {
                taken = try await kernel.run("stat \(scene.content.path)", to: scene.what) {
                    try scene.content.extent().taken
                }
            } catch let error as VolumeError where error.code == .timedOut {
                // Then mkfs has no time left either, and it is mkfs that the error has to name.
                continue
            }
            guard scene.room.cover(taken) else {
                throw VolumeError(
                    .noSpace, scene.what, why: "mkfs has written \(taken >> 20) MiB, and there is no room for more",
                    remedy: scene.spec.mkfsOptions.isEmpty
                        ? "set RBD_STATE_DIR to a folder with more space"
                        : "leave out the mkfs-options that make it write that much, or set RBD_STATE_DIR to a folder with "
                            + "more space")
            }
        }
    }

    private func runMkfs(_ scene: Scene) async throws {
        let (spec, what) = (scene.spec, scene.what)
        let mkfs = try await MkfsCommand(spec.filesystem, size: scene.size, words: spec.mkfsOptions)
            .restrained(by: runner, to: what)
        // In a folder of its own a relative name among the user's words leads nowhere.
        let command = scene.content.asArgument(
            of: Command(mkfs.tool, mkfs.options, timeout: timeout, folder: scene.folder.path))
        let result = try await runner.run(command.keeping([]).apart(kernel, to: what), to: what)
        guard result.succeeded else {
            throw VolumeError(
                spec.mkfsOptions.isEmpty ? .unavailable : .invalidOption, what, why: result.reason(of: mkfs.tool),
                remedy: spec.mkfsOptions.isEmpty
                    ? "check that \(scene.folder.path) has space left"
                    : "check the option mkfs-options (\(spec.mkfsOptions.joined(separator: " ")))")
        }
        try await verify(scene)
    }

    /// Some options make mkfs succeed without making anything.
    private func verify(_ scene: Scene) async throws {
        let spec = scene.spec
        let (found, length) = try await kernel.run("read \(scene.content.path)", to: scene.what) {
            (try FilesystemSignature.read(scene.content.path).found, try scene.content.extent().length)
        }
        guard found == [spec.filesystem], length <= scene.size.bytes else {
            throw VolumeError(
                .invalidOption, scene.what,
                why: found == [spec.filesystem]
                    ? "it is larger than the image" : "mkfs made no \(spec.filesystem.rawValue)",
                remedy: "check the option mkfs-options (\(spec.mkfsOptions.joined(separator: " ")))")
        }
    }
}
