import Glibc
import SystemPackage

/// A folder of a test's own below the rig's, so that whatever the test leaves behind can be found and taken back.
public struct ScratchFolder: Sendable {
    public let path: String
    private let environment: RigEnvironment

    /// Makes the folder.
    ///
    /// - Parameter stem: starts its name; keep it short, for a unix socket's path must stay under 108 bytes.
    public init(_ stem: String, of environment: RigEnvironment) throws {
        var template = Array("\(environment.scratch)/\(stem).XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw RigFailure("cannot make a folder in \(environment.scratch): \(Errno(rawValue: errno))")
        }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        self.environment = environment
    }

    /// What the kernel still holds below the folder.
    public var kernelState: KernelState { KernelState(below: path) }

    /// Unmounts, detaches and ends what is left below the folder, then removes the folder.
    ///
    /// - Throws: ``RigFailure`` naming what could not be taken back.
    public func sweep() async throws {
        let (script, path) = ("\(environment.scripts)/sweep", path)
        // Shielded from cancellation: a test that is called off must not leave a mount for the next one to trip over.
        try await Task { _ = try await runTool(script, [path], within: .seconds(120)).checked() }.value
    }
}
