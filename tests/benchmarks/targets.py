def check(r): return []
