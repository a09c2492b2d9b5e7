Route #1: 83 51 81
Route #2: 89 98 99 62 71
Route #3: 19 97 27
Route #4: 28 42 78 65 25
Route #5: 30 85 11 79
Route #6: 44 88 67 40
Route #7: 69 16 55 76
Route #8: 39 10 18
Route #9: 1 70 54
Route #10: 57 72 36 29 43 45 2 7
Route #11: 86 9 92
Route #12: 82 60 59
Route #13: 14 49 6 37 87
Route #14: 20 41 22 15
Route #15: 100 61 23
Route #16: 50 91 52
Route #17: 4 13 74
Route #18: 24 95 73 53 33 32
Route #19: 21 56 94 80
Route #20: 75 93
Route #21: 68 90 84 66
Route #22: 63 77 3
Route #23: 17 8
Route #24: 5 12 58
Route #25: 35 46 31
Route #26: 34 64 96 48 26 47 38
Cost 27591
