"""The judgement of tools/flux-e2e-check, on made-up outcomes. Run: python3 -m unittest tests/flux-e2e/check_test.py"""
import importlib.machinery, importlib.util, os, sys, unittest

sys.dont_write_bytecode = True
PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/flux-e2e-check")
loader = importlib.machinery.SourceFileLoader("check", PATH)
check = importlib.util.module_from_spec(importlib.util.spec_from_loader("check", loader))
loader.exec_module(check)


def result(must, text=(1, 1)):
    return {"must": must, "text": text}


class Choosing(unittest.TestCase):
    def test_what_waits_does_not_play_and_what_nobody_names_does(self):
        chosen = check.choose(["git-a", "git-include", "ks-a", "new-a"], ["git-*", "ks-*"], [("git-include*", "includes")])
        self.assertEqual(chosen, (["git-a", "ks-a", "new-a"], {"includes": ["git-include"]}, ["new-a"]))


class Judging(unittest.TestCase):
    def judge(self, results, allowed=(), waiting=None):
        return check.judge(["git-a", "ks-b"], waiting or {}, results, allowed)

    def test_equal_is_well(self):
        said, bad = self.judge({"git-a": result((3, 3)), "ks-b": result((2, 2), (19, 20))}, waiting={"x": ["git-c"]})
        self.assertEqual(bad, [])
        self.assertEqual(said, ["flux-e2e git: must 3/3 text 1/1 (1 of 1 scenarios equal, 1 wait)",
                                "flux-e2e ks: must 2/2 text 19/20 (1 of 1 scenarios equal, 0 wait)"])

    def test_the_lines_of_a_sandbox_say_so(self):
        results = {"git-a": result((3, 3)), "ks-b": result((2, 2))}
        said, _ = check.judge(["git-a", "ks-b"], {}, results, (), " on a sandbox")
        self.assertEqual(said[0], "flux-e2e git on a sandbox: must 3/3 text 1/1 (1 of 1 scenarios equal, 0 wait)")

    def test_a_difference_fails_unless_it_is_named(self):
        results = {"git-a": result((2, 3)), "ks-b": result((2, 2))}
        self.assertEqual(self.judge(results)[1], ["git-a: must 2/3"])
        self.assertEqual(self.judge(results, {"git-a"})[1], [])

    def test_a_scenario_without_outcome_fails(self):
        self.assertEqual(self.judge({"git-a": result((3, 3))})[1], ["ks-b: was not played, or has no record"])

    def test_wordings_may_differ_in_one_of_twenty(self):
        results = {"git-a": result((3, 3)), "ks-b": result((2, 2), (18, 20))}
        self.assertEqual(self.judge(results)[1], ["ks: 90.0 % of the wordings are equal, want 95 %"])


if __name__ == "__main__":
    unittest.main()
