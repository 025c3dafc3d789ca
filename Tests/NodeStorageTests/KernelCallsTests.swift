import Blocking
import Glibc
import PortContracts
import RBDDriver
import RealParts
import Synchronization
import Testing
import VolumeCore

@testable import NodeStorage

@Suite struct KernelCallsTests {
    private let kernel = KernelCalls(
        pool: BlockingPool(name: "system", perLane: 1), clock: SystemClock())

    /// A door that calls wait behind until it is opened.
    private final class Door: Sendable {
        private let isOpen = Mutex(false)

        func open() { isOpen.withLock { $0 = true } }
        func pass() { while !isOpen.withLock(\.self) { usleep(1000) } }
    }

    @Test func errorNumbersBecomeSentences() async {
        let error = await errorOf {
            _ = try await kernel.run("open /x", to: "do it") { try SmallFile.read("/no/such/file") }
        }
        #expect(error?.description == "cannot do it: open /x: No such file or directory")
    }

    @Test func aHungDeviceIsLeftAloneUntilItAnswersAndOthersGoOn() async throws {
        let door = Door()
        let first = await errorOf {
            try await kernel.runOnDevice("open /dev/a", to: "look", timeout: .milliseconds(50)) { door.pass() }
        }
        #expect(first?.outcome == .unknown)
        #expect(kernel.stuckDeviceCalls == 1)
        let second = await errorOf { try await kernel.runOnDevice("open /dev/a", to: "look") {} }
        #expect(second?.why == "an earlier open /dev/a still waits in the kernel")
        #expect(kernel.stuckDeviceCalls == 1, "no further thread is spent on it")
        #expect(try await kernel.runOnDevice("open /dev/b", to: "look") { 7 } == 7)
        #expect(try await kernel.run("read /proc", to: "look") { 8 } == 8)
        door.open()
        try await waitUntil { kernel.stuckDeviceCalls == 0 }
        try await waitUntil { await errorOf { try await kernel.runOnDevice("open /dev/a", to: "look") {} } == nil }
    }

    @Test func howeverManyDevicesHangTheNextOneAndReadingGoOn() async throws {
        let door = Door()
        for number in 0..<50 {
            // One whose thread had no time to start has not begun.
            while kernel.stuckDeviceCalls == number {
                _ = await errorOf {
                    try await kernel.runOnDevice("\(number)", to: "look", timeout: .milliseconds(5)) { door.pass() }
                }
            }
        }
        #expect(kernel.stuckDeviceCalls == 50)
        #expect(try await kernel.runOnDevice("next", to: "look") { 7 } == 7)
        #expect(try await kernel.run("read /proc", to: "look") { 8 } == 8)
        door.open()
        try await waitUntil { kernel.stuckDeviceCalls == 0 }
    }

    @Test func theOperationsDeadlineCounts() async throws {
        let door = Door()
        let error = await errorOf {
            try await Deadline.$current.withValue(SystemClock().now() + .milliseconds(50)) {
                try await kernel.runOnDevice("d", to: "look", timeout: .seconds(1000)) { door.pass() }
            }
        }
        #expect(error?.code == .timedOut)
        door.open()
    }
}
