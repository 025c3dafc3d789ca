import Glibc
import SystemPackage
import VolumeCore

/// The `qemu-storage-daemon` of one mapping. It outlives the plugin: it has a session of its own and no pipes.
struct FuseDaemon: Sendable {
    let runner: any CommandRunner
    let kernel: KernelCalls
    let folder: FuseFolder

    /// Starts it, and returns once the image is open and exported.
    func start(
        _ image: ImageReference, for access: VolumeAccess, _ files: CephClientFiles, to what: String
    ) async throws -> ProcessIdentity {
        let arguments = try QemuArguments(image: image, access: access, files: files, folder: folder).list()
        let command = Command(
            .qemuStorageDaemon, arguments, environment: files.environment, timeout: .seconds(15))
        try await runner.succeed(
            command, to: what, remedy: "check that Ceph answers, and that the image exists")
        let daemon = try await kernel.run("read \(folder.pidFile)", to: what) { [folder] in
            guard let line = try SmallFile.line(folder.pidFile), let pid = Int32(line),
                let process = ProcessTable.identity(of: pid), Self.serves(folder, pid)
            else {
                throw VolumeError(.unavailable, what, why: "qemu-storage-daemon ended right after its start")
            }
            return process
        }
        // Told here and not on its command line: a daemon that cannot export what that names ends without closing the image,
        // and Ceph counts it as in use for half a minute more. This one goes on, and is ended in good order.
        try await kernel.runOnDevice("block-export-add \(folder.socket)", to: what) { [folder] in
            try QemuControl(socket: folder.socket).export(at: folder.imageFile, access, for: what)
        }
        return daemon
    }

    /// Whether it is the process that serves this folder's image. Blocking.
    static func isRunning(_ process: ProcessIdentity, for folder: FuseFolder) -> Bool {
        ProcessTable.isRunning(process) && serves(folder, process.pid)
    }

    /// By its arguments: also a daemon that is still starting, and has no pid file yet, is recognised.
    private static func serves(_ folder: FuseFolder, _ pid: Int32) -> Bool {
        let arguments = ProcessTable.arguments(of: pid)
        guard arguments.first?.split(separator: "/").last == "qemu-storage-daemon" else { return false }
        guard let option = arguments.firstIndex(of: "--pidfile") else { return false }
        return arguments.dropFirst(option + 1).first == folder.pidFile
    }

    /// Whether the daemon of the folder is certain to have ended, also where it ran in a container that is gone and its number
    /// tells nothing: it holds a lock on its pid file (fcntl(2)) as long as it lives, and the kernel gives that back with the
    /// process, and not before. A daemon that ended in good order has removed the file, and closed the image. Blocking.
    static func isCertainlyDead(_ folder: FuseFolder) throws -> Bool {
        let file: FileDescriptor
        do {
            file = try FileDescriptor.open(folder.pidFile, .readWrite, options: [.closeOnExec, .noFollow])
        } catch Errno.noSuchFileOrDirectory, Errno.notDirectory {
            return false
        }
        return try file.closeAfter {
            var lock = flock()
            lock.l_type = Int16(F_WRLCK)
            lock.l_whence = Int16(SEEK_SET)
            try SystemCall.check { fcntl(file.rawValue, F_GETLK, &lock) }
            return lock.l_type == Int16(F_UNLCK)
        }
    }

    /// All processes that serve this folder. Blocking.
    static func running(for folder: FuseFolder) throws -> [ProcessIdentity] {
        try ProcessTable.pids().filter { serves(folder, $0) }.compactMap(ProcessTable.identity)
    }

    /// Ends every daemon of the folder: SIGTERM lets it close the image, SIGKILL comes 5 s later.
    /// - Returns: whether there was one, and it closed its image. Of one that was killed the network may still bear writes,
    ///   and that none is seen tells nothing of one in another container.
    /// - Throws: `VolumeError` with code `timedOut` when one does not end.
    func stop(to what: String) async throws -> Bool {
        var isFound = false
        var isKilled = false
        for (signal, patience) in [(SIGTERM, Duration.seconds(5)), (SIGKILL, .seconds(2))] {
            let until = ContinuousClock.now + patience
            repeat {
                let left = try await kernel.run("read /proc", to: what) { [folder] in
                    let left = try Self.running(for: folder)
                    // Again and again: a daemon that is just starting forks, and the new process missed the signal.
                    for process in left where ProcessTable.isRunning(process) { kill(process.pid, signal) }
                    return left
                }
                if left.isEmpty { return isFound && !isKilled }
                isFound = true
                isKilled = signal == SIGKILL
                try await waitForTheEnd(of: left, to: what)
            } while ContinuousClock.now < until
        }
        throw VolumeError.stuck(what, "the image's qemu-storage-daemon does not end")
    }

    /// Waits a moment for these to end, which is far less to look at than all processes.
    private func waitForTheEnd(of daemons: [ProcessIdentity], to what: String) async throws {
        for pause in [1, 2, 3, 4, 5, 5] {
            try await Task.sleep(for: .milliseconds(pause))
            let anyRuns = try await kernel.run("read /proc", to: what) {
                daemons.contains(where: ProcessTable.isRunning)
            }
            if !anyRuns { return }
        }
    }
}
