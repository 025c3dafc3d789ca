import Glibc
import SystemPackage
import VolumeCore

/// Makes a filesystem in a sparse file of an image's size, and lends what mkfs wrote, to be written into the image.
///
/// So mkfs never sees a device: it cannot format the wrong one, no half-formatted device can stay mapped, and the image can
/// be created meanwhile. Only the blocks that hold something are lent, a few MiB for most sizes.
public struct SparseImageFormatter: Sendable {
    private let runner: any CommandRunner
    private let kernel: KernelCalls
    private let root: String
    private let timeout: Duration

    /// - Parameters:
    ///   - stateFolder: `RBD_STATE_DIR`; the file is made below it, and always removed again.
    ///   - timeout: how long mkfs may take.
    public init(
        runner: any CommandRunner, kernel: KernelCalls, stateFolder: String, timeout: Duration = .seconds(20)
    ) {
        self.runner = runner
        self.kernel = kernel
        self.timeout = timeout
        root = stateFolder + "/format"
    }

    /// Makes the filesystem of `spec` (type, mkfs options, object size) for an image of that size, while `body` runs.
    ///
    /// However this ends, mkfs has ended and the scratch file is gone: where `body` fails, mkfs is killed.
    /// - Parameter body: gets what will have to be written. It must not keep that beyond its end.
    /// - Throws: what `body` throws; before that is called, `VolumeError` with code `noSpace` when the scratch file cannot
    ///   have that size.
    public func withFilesystem<T: Sendable>(
        size: VolumeSize, spec: VolumeSpec, _ body: (NewFilesystem) async throws -> T
    ) async throws -> T {
        let what = "make a filesystem (\(spec.filesystem.rawValue), \(size))"
        let folder = try await ScratchFile.make(below: root, kernel: kernel, to: what)
        do {
            try await makeFile(in: folder, size: size, what)
            let result = try await makeFilesystem(in: folder, size: size, spec: spec, what, beside: body)
            await folder.remove()
            return result
        } catch {
            await folder.remove()
            throw error
        }
    }

    /// Returns when both have ended, `body` and mkfs.
    private func makeFilesystem<T: Sendable>(
        in folder: ScratchFile, size: VolumeSize, spec: VolumeSpec, _ what: String,
        beside body: (NewFilesystem) async throws -> T
    ) async throws -> T {
        let made = OneShot<FilesystemExtents>()
        return try await withThrowingTaskGroup(of: FileDescriptor?.self) { mkfs in
            mkfs.addTask {
                do {
                    try await runMkfs(in: folder, size: size, spec: spec, what)
                    let file = try await kernel.run("open \(folder.file)", to: what) {
                        try FileDescriptor.open(folder.file, .readOnly, options: [.closeOnExec, .noFollow])
                    }
                    let extents = FilesystemExtents(
                        file: file, size: size.bytes, chunk: min(4 << 20, 1 << UInt64(spec.order)), kernel: kernel)
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

    private func makeFile(in folder: ScratchFile, size: VolumeSize, _ what: String) async throws {
        try await kernel.run("ftruncate \(folder.file)", to: what) {
            do {
                try folder.makeFile(size: size)
            } catch let error as Errno where [.fileTooLarge, .noSpace, .invalidArgument].contains(error) {
                throw VolumeError(
                    .noSpace, what, why: "a sparse file of \(size) cannot be made in \(folder.path): \(error)",
                    remedy: "set RBD_STATE_DIR to a folder on a filesystem that can hold such files, such as xfs")
            }
        }
    }

    private func runMkfs(in folder: ScratchFile, size: VolumeSize, spec: VolumeSpec, _ what: String) async throws {
        let mkfs = MkfsCommand(spec.filesystem, words: spec.mkfsOptions)
        // In a folder of its own a relative name among the user's words leads nowhere.
        let command = Command(mkfs.tool, mkfs.options + [folder.file], timeout: timeout, folder: folder.path)
        let result = try await runner.run(command, to: what)
        guard result.succeeded else {
            throw VolumeError(
                spec.mkfsOptions.isEmpty ? .unavailable : .invalidOption, what, why: result.reason(of: mkfs.tool),
                remedy: spec.mkfsOptions.isEmpty
                    ? "look whether \(folder.path) has space left"
                    : "check the option mkfs-options (\(spec.mkfsOptions.joined(separator: " ")))")
        }
        try await verify(folder, size: size, spec, what)
    }

    /// Some options make mkfs succeed without making anything.
    private func verify(_ folder: ScratchFile, size: VolumeSize, _ spec: VolumeSpec, _ what: String) async throws {
        let (found, length) = try await kernel.run("read \(folder.file)", to: what) {
            (try FilesystemSignature.read(folder.file).found, try folder.length())
        }
        guard found == [spec.filesystem], length <= size.bytes else {
            throw VolumeError(
                .invalidOption, what,
                why: found == [spec.filesystem]
                    ? "it became larger than the image" : "mkfs made no \(spec.filesystem.rawValue)",
                remedy: "check the option mkfs-options (\(spec.mkfsOptions.joined(separator: " ")))")
        }
    }
}
