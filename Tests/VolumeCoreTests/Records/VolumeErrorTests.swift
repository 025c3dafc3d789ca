import Testing
import VolumeCore

@Suite struct VolumeErrorTests {
    @Test func itSaysWhatFailedWhyAndWhatToDo() {
        let error = VolumeError(.busy, "unmap /dev/rbd0", why: "it is open", remedy: "stop container x")
        #expect("\(error)" == "cannot unmap /dev/rbd0: it is open; stop container x")
        #expect("\(VolumeError(.busy, "unmap /dev/rbd0", why: "it is open"))" == "cannot unmap /dev/rbd0: it is open")
    }

    @Test func itFailedUnlessSaidOtherwise() {
        #expect(VolumeError(.busy, "x", why: "y").outcome == .failed)
    }

    @Test func codesAreWordsForPrograms() {
        let names = VolumeError.Code.allCases.map(\.rawValue)
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { $0.allSatisfy { $0.isASCII && $0.isLetter } })
    }
}
