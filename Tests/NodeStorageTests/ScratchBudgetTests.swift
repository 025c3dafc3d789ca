import Glibc
import PortContracts
import RBDDriver
import RealParts
import Rig
import Synchronization
import Testing
import VolumeCore

@testable import NodeStorage

/// What mkfs may write beside the image, at most.
@Suite struct ScratchBudgetTests {
    @Test("B5: who fits is admitted in order, and what never fits is told at once")
    func b5Admission() throws {
        let budget = ScratchBudget { 400 }
        let (first, second, third) = (budget.enter(), budget.enter(), budget.enter())
        #expect(try budget.admit(second, 10) == .wait)
        #expect(try budget.admit(first, 101) == .neverFits)
        #expect(try budget.admit(first, 60) == .admitted)
        budget.leave(first)
        #expect(try budget.admit(second, 41) == .wait)
        // A smaller one does not overtake.
        #expect(try budget.admit(third, 1) == .wait)
        budget.giveBack(60)
        #expect(try budget.admit(second, 41) == .admitted)
        budget.leave(second)
        #expect(try budget.admit(third, 59) == .admitted)
        #expect(budget.used == 100)
        #expect(!budget.extend(by: 1))
        budget.giveBack(41)
        #expect(budget.extend(by: 41))
    }

    private static let small = VolumeSize.mebibytes(512)

    @Test(
        "B5: mkfs writes no more than was estimated before it began",
        arguments: [
            (.ext4, .mebibytes(8)), (.ext4, small), (.ext4, .gibibytes(1024)), (.ext4, .gibibytes(16 << 10)),
            (.ext4, FilesystemType.ext4.facts.maximumSize), (.xfs, .mebibytes(300)), (.xfs, .gibibytes(100)),
            (.xfs, .gibibytes(4096)), (.xfs, .maximum), (.btrfs, .mebibytes(256)), (.btrfs, .maximum),
        ] as [(FilesystemType, VolumeSize)])
    func b5Estimates(_ type: FilesystemType, _ size: VolumeSize) async throws {
        try await LinuxBench.run("estimate") { bench in
            let content = try ScratchContent.makeInMemory(size: size)
            defer { content.close() }
            let mkfs = MkfsCommand(type, size: size, words: [])
            let command = content.asArgument(of: Command(mkfs.tool, mkfs.options, timeout: .seconds(120)))
            try await bench.runner.succeed(command.apart(bench.kernel, to: "test"), to: "make a filesystem")
            let taken = try content.extent().taken
            #expect(taken <= ScratchEstimate.bytes(type, size: size, words: []))
            #expect(taken > 0)
        }
    }

    @Test("E15: mkfs is not told to look into this process, which it may not, for a file in memory")
    func e15FileInMemory() throws {
        let content = try ScratchContent.makeInMemory(size: Self.small)
        defer { content.close() }
        let command = content.asArgument(of: Command(.mkfsXFS, ["-q"]))
        #expect(command.arguments == ["-q", "/proc/self/fd/0"])
        #expect(command.inputFile == content.path)
    }

    /// Lends a scratch folder on a filesystem in memory, as /run is.
    private func withSmallRun(
        _ mebibytes: UInt64, _ body: (LinuxBench, String, SparseImageFormatter) async throws -> Void
    ) async throws {
        try await LinuxBench.run("budget") { bench in
            let folder = bench.scratch.path + "/run"
            try await bench.tool("mkdir", folder)
            try await bench.tool("mount", "-t", "tmpfs", "-o", "size=\(mebibytes)m", "none", folder)
            try await body(
                bench, folder,
                SparseImageFormatter(
                    runner: bench.runner, kernel: bench.kernel, stateFolder: folder, timeout: .seconds(300)))
            try await bench.tool("umount", folder)
        }
    }

    @Test("B5: sixteen Creates at once leave three quarters of the scratch folder's filesystem to others")
    func b5SixteenAtOnce() async throws {
        try await withSmallRun(1200) { _, folder, formatter in
            let whole = try ScratchRoom.free(in: folder)
            let peak = Mutex<UInt64>(0)
            let watcher = Task {
                while !Task.isCancelled {
                    let taken = whole - (try ScratchRoom.free(in: folder))
                    peak.withLock { $0 = max($0, taken) }
                    try await Task.sleep(for: .milliseconds(5))
                }
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 1...16 {
                    group.addTask {
                        let spec = VolumeSpec(pool: "rbd", size: .gibibytes(1024), filesystem: .xfs)
                        try await formatter.withFilesystem(size: spec.size, spec: spec) { made in
                            var count = 0
                            for try await _ in try await made.extents() { count += 1 }
                            #expect(count > 0)
                        }
                    }
                }
                try await group.waitForAll()
            }
            watcher.cancel()
            _ = await watcher.result
            #expect(peak.withLock { $0 } <= whole / 4)
            // The zeros of one log were there.
            #expect(peak.withLock { $0 } > 100 << 20)
        }
    }

    @Test("B5: what there is no room for is refused before anything begins")
    func b5NoRoom() async throws {
        try await withSmallRun(400) { bench, folder, formatter in
            let spec = VolumeSpec(pool: "rbd", size: .gibibytes(1024), filesystem: .xfs)
            let error = await errorOf {
                try await formatter.withFilesystem(size: spec.size, spec: spec) { _ in
                    Issue.record("it began")
                    return
                }
            }
            #expect(error?.code == .noSpace)
            #expect(error?.remedy.contains("RBD_STATE_DIR") == true)
            let left = try bench.entries(folder + "/format")
            #expect(left == [])
        }
    }

    @Test("B5: a mkfs that writes more than there is room for is ended, and its file goes")
    func b5MoreThanWasThought() async throws {
        try await withSmallRun(400) { bench, folder, _ in
            let programs = bench.scratch.path + "/bin"
            try await bench.tool("mkdir", programs)
            // Its last argument is the file; it writes until it is ended.
            let script = """
                #!/bin/sh
                for file; do :; done
                exec dd if=/dev/zero of="$file" bs=1M conv=notrunc
                """
            try await bench.makeProgram(programs + "/mkfs.ext4", script)
            let runner = ChildProcess(
                clock: SystemClock(), searchPath: SearchPath.standard.preceded(by: programs))
            let formatter = SparseImageFormatter(runner: runner, kernel: bench.kernel, stateFolder: folder)
            let spec = VolumeSpec(pool: "rbd", size: .gibibytes(100), mkfsOptions: ["-N", "99999"])
            let error = await errorOf {
                try await formatter.withFilesystem(size: spec.size, spec: spec) { _ = try await $0.extents() }
            }
            #expect(error?.code == .noSpace)
            #expect(error?.description.contains("mkfs-options") == true)
            let (left, free) = (try bench.entries(folder + "/format"), try ScratchRoom.free(in: folder))
            #expect(left == [])
            #expect(free > 390 << 20)
        }
    }

    @Test(
        "D3: filesystems of the largest sizes are made, whatever the scratch folder's filesystem can hold",
        arguments: FilesystemType.allCases)
    func d3LargestSizes(_ type: FilesystemType) async throws {
        try await LinuxBench.run("largest") { bench in
            let formatter = SparseImageFormatter(
                runner: bench.runner, kernel: bench.kernel, stateFolder: bench.scratch.path, timeout: .seconds(120))
            let spec = VolumeSpec(pool: "rbd", size: type.facts.maximumSize, order: 25, filesystem: type)
            try await formatter.withFilesystem(size: spec.size, spec: spec) { made in
                var objects: Set<UInt64> = []
                for try await extent in try await made.extents() { objects.insert(extent.offset >> 25) }
                // Few enough to be written in seconds.
                #expect((1...5000).contains(objects.count), "\(objects.count)")
            }
            let left = try bench.entries(bench.scratch.path + "/format")
            #expect(left == [])
        }
    }
}
