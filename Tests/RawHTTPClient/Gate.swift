/// Holds work back until a test lets it go on.
package actor Gate {
    package private(set) var isOpen = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    package init() {}

    package func open() {
        isOpen = true
        for waiter in waiters { waiter.resume() }
        waiters = []
    }

    package func wait() async {
        if isOpen { return }
        await withCheckedContinuation { waiters.append($0) }
    }
}
