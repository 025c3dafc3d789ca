import FoundationEssentials
import Glibc
import Rig
import SystemPackage

/// The names in a folder, sorted; none when there is no such folder.
func names(in folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
}

func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

func write(_ text: String, to path: String) throws { try write(Array(text.utf8), to: path) }

func write(_ bytes: [UInt8], to path: String) throws { try Data(bytes).write(to: URL(filePath: path)) }

/// - Throws: ``RigFailure`` when there is no such file, or it cannot be read.
func read(_ path: String) throws -> [UInt8] {
    guard let content = FileManager.default.contents(atPath: path) else { throw RigFailure("cannot read \(path)") }
    return Array(content)
}

func text(of path: String) throws -> String { String(decoding: try read(path), as: UTF8.self) }

func randomBytes(_ count: Int) -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<count / 8).flatMap { _ in withUnsafeBytes(of: generator.next(), Array.init) }
}

/// Runs the body while a file is open for writing, as a container's database has it.
func holdingOpen(_ path: String, _ body: (FileDescriptor) async throws -> Void) async throws {
    let file = try FileDescriptor.open(
        FilePath(path), .readWrite, options: [.create, .closeOnExec], permissions: .ownerReadWrite)
    do {
        try await body(file)
    } catch {
        try? file.close()
        throw error
    }
    try file.close()
}

/// What stat(1) says of a file, in its format language: `%u %g %a`.
func stat(_ path: String, _ format: String) async throws -> String {
    try await runTool("stat", ["--format", format, path]).checked().output.filter { $0 != "\n" }
}

/// fsync(2)
func synchronize(_ file: FileDescriptor) throws {
    guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
}
