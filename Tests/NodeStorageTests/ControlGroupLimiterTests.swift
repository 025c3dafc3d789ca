import PortContracts
import RealParts
import Testing
import VolumeCore

@testable import NodeStorage

/// Against folders that look like control groups. `IOLimiterContract` runs against the real ones.
@Suite struct ControlGroupLimiterTests {
    private struct Bench {
        let linux: LinuxBench
        let sysfs: FakeSysfs
        let hierarchy: ControlGroupHierarchy
        let device = MappedDevice(image: ImageReference(pool: "rbd", name: "db"), path: "/dev/rbd3")

        var root: String { "\(sysfs.path)/groups" }

        var limiter: ControlGroupLimiter {
            ControlGroupLimiter(kernel: linux.kernel, sys: sysfs.path) { [hierarchy, root] _ in
                ControlGroups(hierarchy, root: root)
            }
        }

        /// Makes a group, or changes its file.
        func write(_ group: String, _ file: String, _ text: String) async throws {
            try await sysfs.write(["groups/\(group)/\(file)": text])
        }

        func read(_ group: String, _ file: String) throws -> String? { try SmallFile.line("\(root)/\(group)/\(file)") }
    }

    private static let some = IOLimits(writeIOPS: 50, readBPS: 1 << 20)
    private static let someLine = "252:3 rbps=1048576 wbps=max riops=max wiops=50"
    private static let noLine = "252:3 rbps=max wbps=max riops=max wiops=max"

    private func run(
        _ hierarchy: ControlGroupHierarchy = .unified, _ body: (Bench) async throws -> Void
    ) async throws {
        try await LinuxBench.run("groups") { linux in
            let sysfs = try await FakeSysfs.make(linux)
            try await sysfs.write(["block/rbd3/dev": "252:3\n"])
            let bench = Bench(linux: linux, sysfs: sysfs, hierarchy: hierarchy)
            try await linux.tool("mkdir", bench.root)
            try await body(bench)
        }
    }

    private func makeLegacy(_ group: String, _ bench: Bench) async throws {
        for (file, _) in DeviceLimits.files { try await bench.write(group, file, "") }
    }

    @Test func everyGroupBelowTheRootIsLimited() async throws {
        try await run { bench in
            let (limiter, device) = (bench.limiter, bench.device)
            for group in ["system.slice", "docker"] { try await bench.write(group, "io.max", "") }
            try await bench.write(".", "cgroup.procs", "1\n")
            try await limiter.limit(device, to: Self.some)
            for group in ["system.slice", "docker"] { #expect(try bench.read(group, "io.max") == Self.someLine) }
            try await limiter.limit(device, to: .none)
            for group in ["system.slice", "docker"] { #expect(try bench.read(group, "io.max") == Self.noLine) }
        }
    }

    @Test func aGroupThatCameUpSinceIsLimitedByTheNextCall() async throws {
        try await run { bench in
            let limiter = bench.limiter
            try await bench.write("system.slice", "io.max", "")
            try await limiter.limit(bench.device, to: Self.some)
            try await bench.write("kubepods.slice", "io.max", "")
            try await limiter.limit(bench.device, to: Self.some)
            #expect(try bench.read("kubepods.slice", "io.max") == Self.someLine)
        }
    }

    /// The line of another device would go with a write to such a file.
    @Test func whatIsAsItShouldBeIsNotWritten() async throws {
        try await run { bench in
            let others = "8:0 rbps=5 wbps=max riops=max wiops=max"
            try await bench.write("a", "io.max", "\(others)\n\(Self.someLine)\n")
            try await bench.write("b", "io.max", "\(others)\n")
            try await bench.limiter.limit(bench.device, to: Self.some)
            #expect(try bench.read("a", "io.max") == "\(others)\n\(Self.someLine)")
            #expect(try bench.read("b", "io.max") == Self.someLine)
            try await bench.write("b", "io.max", "\(others)\n")
            try await bench.limiter.limit(bench.device, to: .none)
            #expect(try bench.read("b", "io.max") == others)
        }
    }

    @Test func withOldGroupsEverySingleOneIsLimited() async throws {
        try await run(.legacy(["blkio"])) { bench in
            for group in [".", "docker", "docker/c1"] { try await makeLegacy(group, bench) }
            try await bench.write("docker/c1", "blkio.throttle.write_bps_device", "252:3 77\n")
            try await bench.limiter.limit(bench.device, to: Self.some)
            for group in [".", "docker", "docker/c1"] {
                #expect(try bench.read(group, "blkio.throttle.read_bps_device") == "252:3 1048576")
                #expect(try bench.read(group, "blkio.throttle.write_iops_device") == "252:3 50")
                #expect(try bench.read(group, "blkio.throttle.read_iops_device") == "")
            }
            #expect(try bench.read("docker/c1", "blkio.throttle.write_bps_device") == "252:3 0")
        }
    }

    @Test(arguments: [
        (["cgroup.controllers": "cpu io\n", "cgroup.subtree_control": "cpu memory\n"], "cgroup.subtree_control"),
        (["cgroup.controllers": "cpu\n", "cgroup.subtree_control": "cpu\n"], "cgroup.controllers"),
        (["cgroup.controllers": "cpu io\n", "cgroup.subtree_control": "cpu io\n"], "io.max"),
    ])
    func groupsWithoutLimitsAreUnsupported(_ files: [String: String], _ named: String) async throws {
        try await run { bench in
            for (file, text) in files { try await bench.write(".", file, text) }
            try await bench.write("system.slice", "cgroup.procs", "")
            try await expectUnsupported(bench, naming: "/sys/fs/cgroup", named)
        }
    }

    @Test func oldGroupsWithoutLimitsAreUnsupported() async throws {
        try await run(.legacy(["blkio"])) {
            try await expectUnsupported($0, naming: "/sys/fs/cgroup/blkio/blkio.throttle.read_bps_device")
        }
    }

    @Test func groupsThatCannotBeWrittenAreUnsupported() async throws {
        try await run { bench in
            try await bench.linux.tool("mount", "-t", "tmpfs", "none", bench.root)
            try await bench.write("docker", "io.max", "")
            try await bench.linux.tool("mount", "-o", "remount,ro", bench.root)
            try await expectUnsupported(bench, naming: "/sys/fs/cgroup/docker/io.max", "Read-only")
            try await bench.linux.tool("umount", bench.root)
        }
    }

    /// In old groups, 0 would mean that there is no limit.
    @Test(arguments: [IOLimits(writeBPS: 0), IOLimits(iops: 0)])
    func nothingIsLimitedTo0(_ limits: IOLimits) async throws {
        try await run { bench in
            try await bench.write("docker", "io.max", Self.someLine)
            let error = await errorOf { try await bench.limiter.limit(bench.device, to: limits) }
            #expect(error?.code == .invalidOption && error?.outcome == .refused)
            #expect(try bench.read("docker", "io.max") == Self.someLine)
        }
    }

    @Test func limitsForBothTogetherAreUnsupportedAndTheOthersInForce() async throws {
        try await run { bench in
            try await bench.write("docker", "io.max", "")
            let limits = IOLimits(iops: 9, writeIOPS: 50, bps: 8, readBPS: 1 << 20)
            let error = await errorOf { try await bench.limiter.limit(bench.device, to: limits) }
            #expect(error?.code == .unsupported)
            #expect(error?.why.contains("iops and bps") == true && error?.remedy.contains("write-iops") == true)
            #expect(try bench.read("docker", "io.max") == Self.someLine)
        }
    }

    private func expectUnsupported(_ bench: Bench, naming words: String...) async throws {
        let error = await errorOf { try await bench.limiter.limit(bench.device, to: Self.some) }
        #expect(error?.code == .unsupported && error?.remedy.isEmpty == false)
        for word in words { #expect(error?.why.contains(word) == true, "\(error?.why ?? "no error")") }
        // Where no limits can be set there are none to take away.
        try await bench.limiter.limit(bench.device, to: .none)
    }

    @Test(
        arguments: [
            ("cgroup:[4026531835]", true), (nil, true), ("cgroup:[4026532500]", false),
        ] as [(String?, Bool)])
    func theHostsNamespaceIsKnownByItsNumber(_ link: String?, _ isInitial: Bool) {
        #expect(ControlGroups.isInitial(namespace: link) == isInitial)
    }

    @Test(
        arguments: [
            ("0::/system.slice/docker.service\n", .unified), ("", .unified),
            ("12:blkio:/\n3:cpu,cpuacct:/a\n1:name=systemd:/\n0::/\n", .legacy(["blkio"])),
            ("4:cpu,blkio:/a:b\n", .legacy(["cpu", "blkio"])), ("4:memory:/blkio\n0::/\n", .unified),
        ] as [(String, ControlGroupHierarchy)])
    func theHierarchyIsTheOneThatHasTheController(_ groups: String, _ hierarchy: ControlGroupHierarchy) {
        #expect(ControlGroupHierarchy(groups: groups) == hierarchy)
    }

    @Test(arguments: [
        (IOLimits(readBPS: 1 << 40), DeviceLimits(readBPS: 1 << 40)),
        (IOLimits(readIOPS: 4_294_967_294, writeIOPS: 4_294_967_295), DeviceLimits(readIOPS: 4_294_967_294)),
        (IOLimits(iops: 3, bps: 4), .none),
    ])
    func operationsAreCountedIn32Bits(_ limits: IOLimits, _ expected: DeviceLimits) {
        #expect(DeviceLimits(limits) == expected)
    }

    @Test(arguments: ["8:16", "252:3"])
    func aLineThatWasWrittenReadsTheSame(_ number: String) {
        let limits = DeviceLimits(readBPS: 1, writeIOPS: 7)
        let text = "8:1 rbps=9 wbps=9 riops=9 wiops=9\n" + limits.ioMax(of: number) + "\n"
        #expect(DeviceLimits(ioMax: text, device: number) == limits)
        #expect(DeviceLimits(ioMax: text, device: "8:161") == .none)
    }
}
