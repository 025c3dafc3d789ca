import Blocking
import CRados
import CRbd
import FoundationEssentials
import Glibc
import PortContracts
import Testing
import VolumeCore

@testable import CephStorage

@Suite("CephError") struct CephErrorTests {
    private static let image = CephSubject.image(ImageLocation(pool: "rbd"), name: "db")

    @Test("An error names the call, the image, the number in words and what to do")
    func description() {
        let error = CephCall.changing("rbd_remove", Self.image).error(-EBUSY)
        #expect(error.description.hasPrefix("image 'rbd/db': rbd_remove: it is in use (EBUSY). "))
        #expect(error.description.contains("rbd status"))
    }

    @Test(
        "What may have happened is told apart from what did not",
        arguments: [
            (ETIMEDOUT, true, CephError.Outcome.unknown), (ETIMEDOUT, false, .failed), (EEXIST, true, .refused),
            (EACCES, true, .refused), (EIO, true, .failed), (ESHUTDOWN, true, .failed), (ENOTCONN, true, .unknown),
        ])
    func outcome(code: CInt, mutates: Bool, expected: CephError.Outcome) {
        let error = CephCall(name: "rbd_x", subject: Self.image, mutates: mutates).error(code)
        #expect(error.outcome == expected)
        #expect(error.description.contains("unknown") == (expected == .unknown))
    }

    @Test(
        "A deadline leaves a change unknown only when it had begun",
        arguments: [
            (true, true, CephError.Outcome.unknown), (true, false, .refused), (false, true, .failed),
            (false, false, .refused),
        ])
    func deadline(mutates: Bool, started: Bool, expected: CephError.Outcome) {
        let call = CephCall(name: "rbd_x", subject: Self.image, mutates: mutates)
        let error = call.error(.timedOut(call: "rbd_x", after: .seconds(1), started: started))
        #expect(error.outcome == expected)
        #expect(error.isTimedOut)
    }

    @Test(
        "D9: an error names what was asked and what to look at, in words that are true of it",
        arguments: [
            (CephCall.reading("rados_connect", .cluster("ceph")), EOPNOTSUPP, "RBD_CONF_KEYRING_USER", "This release"),
            (
                .reading("rados_mon_command", .command("df")), ETIMEDOUT, "the monitors, asked for 'ceph df'",
                "command 'df'"
            ),
            (.changing("rbd_create4", image), EOPNOTSUPP, "This release of Ceph", "RBD_CONF_KEYRING_USER"),
        ])
    func d9Words(call: CephCall, code: CInt, said: String, unsaid: String) {
        let text = call.error(code).description
        #expect(text.contains(said) && !text.contains(unsaid), "\(text)")
    }

    @Test("D9: a deadline is told in seconds that people read")
    func d9Deadline() {
        let limit = Duration.nanoseconds(9_999_998_697)
        let error = BlockingPoolError.timedOut(call: "rbd_open", after: limit, started: true)
        #expect(error.description.contains("within 10 s"), "\(error)")
    }

    @Test("A call that was never made is refused")
    func exhausted() {
        let call = CephCall.changing("rbd_x", Self.image)
        let error = call.error(.exhausted(call: "rbd_x", threads: 2, stuckIn: ["rbd_open"]))
        #expect(error.outcome == .refused)
        #expect(error.description.contains("all 2 threads are stuck in rbd_open"))
    }

    @Test(
        "Only a broken connection is made anew",
        arguments: [
            (ESHUTDOWN, true), (ENOTCONN, true), (ETIMEDOUT, false), (EIO, false), (ENOENT, false),
        ])
    func breaksConnection(code: CInt, expected: Bool) {
        #expect(CephCall.reading("rbd_x", Self.image).error(code).breaksConnection == expected)
    }

    @Test(
        "Subjects are named as Ceph's tools name them",
        arguments: [
            (CephSubject.image(ImageLocation(pool: "rbd", namespace: "tenant"), name: "db"), "image 'rbd/tenant/db'"),
            (.pool("rbd"), "pool 'rbd'"), (.option("key"), "option 'key'"),
            (.snapshot(ImageLocation(pool: "p"), image: "i", name: "s"), "snapshot 'p/i@s'"),
            (.client("10.0.0.1:0/7"), "client 10.0.0.1:0/7"),
        ])
    func subjects(subject: CephSubject, text: String) {
        #expect(subject.description == text)
    }
}

@Suite("Ceph values") struct CephValueTests {
    @Test(
        "Several addresses of one client are read from every form that Ceph prints",
        arguments: [
            ("10.0.0.1:0/4123", ["10.0.0.1:0/4123"]),
            ("v1:10.0.0.1:0/4123", ["10.0.0.1:0/4123"]),
            ("[v2:10.0.0.1:0/4123,v1:10.0.0.1:0/4123]", ["10.0.0.1:0/4123"]),
            ("[v2:10.0.0.1:6800/1,v1:10.0.0.1:6801/1]", ["10.0.0.1:6800/1", "10.0.0.1:6801/1"]),
            ("[fd00::1]:0/5", ["[fd00::1]:0/5"]),
            ("[v2:[fd00::1]:0/5,v1:[fd00::1]:0/5]", ["[fd00::1]:0/5"]),
            ("v2:[fd00::1]:0/5", ["[fd00::1]:0/5"]),
            ("-", []), ("", []), ("[]", []), ("10.0.0.1:0", []), ("10.0.0.1", []),
        ])
    func addressLists(text: String, expected: [String]) {
        #expect(ClientAddress.list(text).map(\.text) == expected)
    }

    @Test("A4: a watcher or lock owner without a usable address is an error, and never absent")
    func a4NobodyIsAbsent() throws {
        let image = ImageReference(pool: "rbd", name: "db")
        func watchers(_ texts: String...) -> [ImageWatcher] {
            texts.enumerated().map { ImageWatcher(shownAddress: $1, clientID: Int64($0), cookie: 1) }
        }
        let both = watchers("10.0.0.1:0/5", "[v2:10.0.0.2:0/6,v1:10.0.0.2:0/6]")
        #expect(try both.addresses(of: image).map(\.text) == ["10.0.0.1:0/5", "10.0.0.2:0/6"])
        // One address of a list is enough to shut the client out.
        #expect(try watchers("[v2:-,v1:10.0.0.2:0/6]").addresses(of: image).map(\.text) == ["10.0.0.2:0/6"])
        for text in ["", "-", "10.0.0.1", "10.0.0.1:0", "10.0.0.1:0/0", "[]", ":/0"] {
            let error = try #require(errorOf { try watchers("10.0.0.1:0/5", text).addresses(of: image) })
            #expect(error.code == .unexplained && error.outcome == .refused)
            #expect(error.description.contains("client.1,") && error.description.contains("'\(text)'"))
            #expect(error.description.contains("rbd/db"))
            let owner = ImageLockOwner(shownAddress: text, client: "client.7", cookie: "auto 1")
            #expect(errorOf { try [owner].addresses(of: image) }?.description.contains("client.7,") == true)
        }
        #expect(try watchers().addresses(of: image).isEmpty)
    }

    @Test("The standard features are those that librbd gives by itself")
    func standardFeatures() {
        #expect(ImageFeatures.standard.rawValue == crbd_features_default())
    }

    @Test("librbd knows every feature by the name that is used here")
    func featureNames() throws {
        for bit in 0..<11 {
            let feature = ImageFeatures(rawValue: 1 << UInt64(bit))
            var buffer = [CChar](repeating: 0, count: 64)
            var size = buffer.count
            #expect(rbd_features_to_string(feature.rawValue, &buffer, &size) == 0)
            #expect(
                buffer.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } } == feature.names.first)
        }
    }

    @Test("The shims hand over what the headers say")
    func shims() {
        #expect(crados_snap_head() == UInt64.max - 1)
        #expect(crbd_version_code() >= crbd_version(1, 16, 0))
        #expect(crados_version_code() >= crados_version(3, 0, 0))
        #expect(crbd_features_all() & crbd_features_mutable() == crbd_features_mutable())
    }

    @Test(
        "Of several JSON texts in a row, the first is taken",
        arguments: [
            (#"[{"addr":"[fd00::1]:0/5"}][]"#, #"[{"addr":"[fd00::1]:0/5"}]"#), ("[][]", "[]"),
            (#"{"a":"}\"]"} x"#, #"{"a":"}\"]"}"#), ("\n{}", "\n{}"), ("[1", "[1"), ("", ""),
        ])
    func firstDocument(text: String, expected: String) {
        #expect(String(decoding: JSONText.firstDocument(in: Array(text.utf8)), as: UTF8.self) == expected)
    }

    @Test(
        "A monitor's times are read",
        arguments: [
            ("1970-01-02T00:00:01.565332+0000", 86401.0), ("1970-01-01T02:00:00.000001+0200", 0),
            ("1970-01-01T00:00:00-0100", 3600),
        ])
    func monitorTime(text: String, seconds: Double) {
        #expect(MonitorTime.date(text) == Date(timeIntervalSince1970: seconds))
    }

    @Test("What is no time is nil", arguments: ["", "never", "2036-11-18T08:37:34", "2036-13-18T08:37:34.1+0000"])
    func noMonitorTime(text: String) {
        #expect(MonitorTime.date(text) == nil)
    }

    @Test("Timeouts reach Ceph as whole seconds and never as 0, which would mean for ever")
    func timeouts() {
        let settings = CephSettings(
            keyring: "/k", overrides: ["mon_host": "h", "b": "2"],
            timeouts: .init(connect: .milliseconds(1), monitorOperation: .milliseconds(1500), osdOperation: .seconds(7))
        )
        #expect(
            settings.options.map { "\($0.name)=\($0.value)" } == [
                "client_mount_timeout=1", "rados_mon_op_timeout=2", "rados_osd_op_timeout=7",
                "objecter_timeout=1", "objecter_tick_interval=1", "keyring=/k", "b=2",
                "mon_host=h",
            ])
    }
}

@Suite("GrowingBuffer") struct GrowingBufferTests {
    private static let call = CephCall.reading("fake", .pool("p"))

    @Test("A call that says how much room it needs gets it", arguments: [true, false])
    func grows(tellsSize: Bool) throws {
        let text = String(repeating: "x", count: 1000)
        var capacities: [Int] = []
        let result = try GrowingBuffer.string(capacity: 10, Self.call) { buffer, size in
            capacities.append(size)
            guard size > text.utf8.count else {
                if tellsSize { size = text.utf8.count + 1 }
                return -ERANGE
            }
            strcpy(buffer, text)
            return 0
        }
        #expect(result == text)
        #expect(capacities == (tellsSize ? [10, 1001] : [10, 20, 40, 80, 160, 320, 640, 1280]))
    }

    @Test("Other errors end it, and so does a call that never has enough")
    func ends() {
        #expect(throws: Self.call.error(ENOENT)) {
            try GrowingBuffer.string(Self.call) { _, _ in -ENOENT }
        }
        #expect(throws: Self.call.error(ERANGE)) {
            try GrowingBuffer.string(Self.call) { _, _ in -ERANGE }
        }
    }

    @Test("A call that writes nothing leaves an empty string")
    func cleared() throws {
        #expect(try GrowingBuffer.string(Self.call) { _, _ in 0 } == "")
    }
}
